import { coldStart } from "./cold-start.ts";
import type { Figure } from "./figures.ts";
import { idle } from "./idle.ts";
import { recording } from "./recording.ts";
import { remoteVsDirect, SCENES } from "./remote-vs-direct.ts";
import type { SuiteOptions } from "./suite.ts";
import { operator, stream } from "./watched.ts";

/** What one frame costs, part by part, and what its operator meets. */
export async function core({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  figures.push(...(await recording(isQuick ? 5 : 25)));
  for (const scene of SCENES) {
    figures.push(...(await remoteVsDirect(scene, isQuick ? 2 : 5, isQuick ? 1500 : 4000, say)));
  }
  figures.push(...(await stream(isQuick ? 5_000 : 30_000, say)));
  figures.push(...(await operator(isQuick ? 20 : 100, isQuick ? 2 : 7, say)));
  figures.push(...(await coldStart(isQuick ? 1 : 3, say)));
  figures.push(...(await idle(isQuick ? 1 : 3, isQuick ? 5_000 : 20_000, say)));
  return figures;
}
