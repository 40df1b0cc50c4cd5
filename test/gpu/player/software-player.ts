import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { findConfinement } from "#server/confine/confinement.ts";
import { Player, type PlayerPlace } from "#server/player/player.ts";
import { probeGpu } from "#server/session/gpu-probe.ts";

/** The software GPU, confined as well as this machine can. */
export async function findPlace(): Promise<PlayerPlace> {
  const cacheFolder = path.join(homedir(), ".cache", "heliograph");
  const { gpu, attempts } = await probeGpu({ wanted: "software", cacheFolder });
  if (gpu === undefined) throw new Error(attempts.join(" "));
  const confinement = await findConfinement("auto", process.env["PATH"] ?? "");
  return { gpu, confinement, runtimeFolder: tmpdir() };
}

/** The caller owns it. */
export async function startPlayer(place: Partial<PlayerPlace> = {}): Promise<Player> {
  return Player.start({ ...(await findPlace()), ...place });
}

export async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
