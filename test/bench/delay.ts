import { type Command, Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { COUNT_FRAMES, frameRate } from "./frame-rate.ts";
import { spreadOf } from "./statistics.ts";
import type { Suite } from "./suite.ts";

// What distance costs a program: the frame rate that it keeps where its relay is far from the gateway.

/** Added to each byte, each way. */
const DELAY_MS = 20;
const FRAME_RATE = 60;
/** At which a software GPU reaches the frame rate, with the program on the same cores. */
const SIZE = { width: 160, height: 120 };

/** Of public/samples. */
const PROGRAMS: Readonly<Record<string, string>> = { plain: "plain.js", three: "three-orbit.js" };

export const delay: Suite = {
  parts: Object.keys(PROGRAMS),
  async run({ isQuick, only, say }) {
    const figures: Figure[] = [];
    for (const [part, program] of Object.entries(PROGRAMS)) {
      if (only.length > 0 && !only.includes(part)) continue;
      figures.push(...(await delayed(part, program, isQuick ? 1 : 12, isQuick ? 2000 : 2500, say)));
    }
    return figures;
  },
};

/**
 * Frames a second with the delay, as a part of those without it. Both programs live all the time, each on a gateway of
 * its own, and one of them stands still (SIGSTOP) while the other is measured.
 */
async function delayed(
  part: string,
  program: string,
  rounds: number,
  roundMs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const config = {
    unwatchedFrameRate: FRAME_RATE,
    profiles: { default: { size: SIZE, minSize: SIZE, maxSize: SIZE, frameRate: FRAME_RATE } },
  };
  await using nearBy = await Stack.start({ config });
  await using farAway = await Stack.start({ config, proxied: true, delay: DELAY_MS });
  const options = {
    args: [`--size=${SIZE.width}x${SIZE.height}`],
    env: { NODE_OPTIONS: `--import=${COUNT_FRAMES}` },
  };
  const near = nearBy.run(program, options);
  const far = farAway.run(program, options);
  const [nearRates, farRates, ratios]: number[][] = [[], [], []];
  // The first round finds compilers cold and the round trip unmeasured.
  for (let round = -1; round < rounds; round++) {
    const nearRate = await alone(near, far, roundMs);
    const farRate = await alone(far, near, roundMs);
    if (round < 0) continue;
    nearRates!.push(nearRate);
    farRates!.push(farRate);
    ratios!.push(farRate / nearRate);
    say(`${part}: ${nearRate.toFixed(1)} fps, ${farRate.toFixed(1)} at ${DELAY_MS} ms each way`);
  }
  return [
    medianFigure(`delayed_fps_ratio.${part}`, spreadOf(ratios!), { atLeast: 0.95 }),
    medianFigure(`near_fps.${part}`, spreadOf(nearRates!)),
    medianFigure(`delayed_fps.${part}`, spreadOf(farRates!)),
  ];
}

async function alone(program: Command, other: Command, roundMs: number): Promise<number> {
  process.kill(-other.pid, "SIGSTOP");
  process.kill(-program.pid, "SIGCONT");
  return frameRate(program, roundMs);
}
