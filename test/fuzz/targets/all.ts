import type { Target } from "../target.ts";
import { guest, guestBytes, guestSoftware } from "./guest.ts";
import { http } from "./http.ts";
import { parsers } from "./parsers.ts";
import { relay } from "./relay.ts";
import { replay, replaySoftware } from "./replay.ts";
import { signaling } from "./signaling.ts";
import { viewer } from "./viewer.ts";
import { worker } from "./worker.ts";

/** In the order in which a full run plays them. */
export const TARGETS: ReadonlyMap<string, () => Promise<Target>> = new Map([
  ["parsers", parsers],
  ["replay", replay],
  ["replay-software", replaySoftware],
  ["guest", guest],
  ["guest-software", guestSoftware],
  ["guest-bytes", guestBytes],
  ["http", http],
  ["signaling", signaling],
  ["worker", worker],
  ["viewer", viewer],
  ["relay", relay],
]);
