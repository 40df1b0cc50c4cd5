import { randomBytes } from "node:crypto";
import { LINK_ID_BYTES, type ResumeRequest } from "#shared/link/control.ts";
import { KEPT_DOWN_BYTES } from "#shared/link/guest-link.ts";
import { Refusal } from "./refusal.ts";
import type { ResumableCarrier, ResumableOptions } from "./resumable-carrier.ts";

/**
 * What is kept for the links of one session together. Each may keep KEPT_DOWN_BYTES: without a sum, a VM whose 64 programs
 * all ask for much, and whose relay acknowledges nothing or stays away, has the gateway keep 320 MiB, again each half
 * minute. Eight programs may keep all that they may.
 */
export const MAX_SESSION_KEPT_BYTES = 8 * KEPT_DOWN_BYTES;

type LinkOptions = Pick<ResumableOptions, "id" | "makeRoom" | "forget">;

/** The links that a relay may resume, each under a secret of its own, and only with its session's token. */
export class ResumableLinks {
  /** By session, then by id. */
  readonly #links = new Map<string, Map<string, ResumableCarrier>>();

  open(session: string, make: (link: LinkOptions) => ResumableCarrier): ResumableCarrier {
    const id = randomBytes(LINK_ID_BYTES).toString("base64url");
    const links = this.#links.get(session) ?? new Map<string, ResumableCarrier>();
    this.#links.set(session, links);
    const forget = (): void => {
      links.delete(id);
      if (links.size === 0 && this.#links.get(session) === links) this.#links.delete(session);
    };
    const carrier = make({ id, makeRoom: (bytes) => makeRoom(links, bytes), forget });
    links.set(id, carrier);
    return carrier;
  }

  /** The link that a request may take over. Throws Refusal. */
  find(session: string, request: ResumeRequest): ResumableCarrier {
    const carrier = this.#links.get(session)?.get(request.id);
    // Who guesses an id, or has that of another session, learns no more than that it is not theirs.
    if (carrier === undefined) {
      throw new Refusal(
        404,
        `No connection of session ${session} waits to be resumed under this id: it was away for too long, ` +
          "its GPU worker ended, or the gateway was started anew.",
      );
    }
    carrier.checkResume(request);
    return carrier;
  }
}

/** Gives up the link that is away the longest, and so on; where none is away, the one for which the most is kept. */
function makeRoom(links: ReadonlyMap<string, ResumableCarrier>, bytes: number): void {
  let kept = bytes;
  for (const { held } of links.values()) kept += held;
  if (kept <= MAX_SESSION_KEPT_BYTES) return;
  for (const link of [...links.values()].toSorted(byTurn)) {
    const { held } = link;
    if (held === 0) continue; // Its end would be no help.
    const how = link.isAway ? "is away the longest" : "has the most of it";
    link.giveUp(
      `Over ${MAX_SESSION_KEPT_BYTES} bytes wait for the relay of this session's programs; this one ${how}, and is given up.`,
    );
    kept -= held;
    if (kept <= MAX_SESSION_KEPT_BYTES) return;
  }
}

function byTurn(link: ResumableCarrier, other: ResumableCarrier): number {
  if (link.awaySince === other.awaySince) return other.held - link.held;
  return link.awaySince < other.awaySince ? -1 : 1;
}
