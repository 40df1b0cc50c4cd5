import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { findConfinement } from "#server/confine/confinement.ts";
import { Player, type PlayerPlace } from "#server/player/player.ts";
import { probeGpu } from "#server/session/gpu-probe.ts";

/** On the software GPU, confined as well as this machine can. The caller owns it. */
export async function startPlayer(place: Partial<PlayerPlace> = {}): Promise<Player> {
  const cacheFolder = path.join(homedir(), ".cache", "heliograph");
  const { gpu, attempts } = await probeGpu({ wanted: "software", cacheFolder });
  if (gpu === undefined) throw new Error(attempts.join(" "));
  const confinement = await findConfinement("auto", process.env["PATH"] ?? "");
  return Player.start({ gpu, confinement, runtimeFolder: tmpdir(), ...place });
}

export async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
