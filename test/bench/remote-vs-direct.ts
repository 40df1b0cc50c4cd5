import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";
import { Command, SAMPLES, Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { COUNT_FRAMES, frameRate } from "./frame-rate.ts";
import { spreadOf } from "./statistics.ts";

const DIRECT_PRELOAD = fileURLToPath(new URL("../support/direct-preload.ts", import.meta.url));

type Size = { readonly width: number; readonly height: number };

export type Scene = {
  readonly name: string;
  /** Of public/samples. */
  readonly program: string;
  readonly size: Size;
  readonly dawnFlags: readonly string[];
};

const SMALL: Size = { width: 640, height: 360 };
const LARGE: Size = { width: 1280, height: 720 };

/** On the null backend the calls are the bound; the last one's is the software GPU. */
export const SCENES: readonly Scene[] = [
  { name: "draw_heavy", program: "draw-heavy.js", size: SMALL, dawnFlags: ["backend=null"] },
  { name: "three", program: "three-heavy.js", size: SMALL, dawnFlags: ["backend=null"] },
  { name: "gpu_bound", program: "three-heavy.js", size: LARGE, dawnFlags: [] },
];

/**
 * Frames a second through relay and gateway, as a part of those on Dawn directly: closed loop, two in
 * flight, unpaced, nobody watching. Both programs live all the time, and one of them stands still
 * (SIGSTOP) while the other is measured: rounds alternate without the cost of a start.
 */
export async function remoteVsDirect(
  scene: Scene,
  rounds: number,
  roundMs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const { name, program, size, dawnFlags } = scene;
  await using stack = await Stack.start({
    config: { frameRate: "unlimited", dawnFlags, profiles: { default: { size } } },
  });
  const wide = `${size.width}x${size.height}`;
  const vulkan = await unpackSoftwareVulkan(path.join(homedir(), ".cache", "heliograph"));
  const preload = `--import=${COUNT_FRAMES}`;
  await using direct = new Command(
    process.execPath,
    ["--import", DIRECT_PRELOAD, preload, path.join(SAMPLES, program)],
    {
      ...process.env,
      ...vulkan,
      DIRECT_SIZE: wide,
      DIRECT_FRAME_RATE: "0",
      DIRECT_DAWN: dawnFlags.join(","),
    },
  );
  const remote = stack.run(program, { args: [`--size=${wide}`], env: { NODE_OPTIONS: preload } });
  const [directRates, remoteRates, ratios]: number[][] = [[], [], []];
  // The first round finds compilers, pools and shaders cold.
  for (let round = -1; round < rounds; round++) {
    stop(remote);
    go(direct);
    const directRate = await frameRate(direct, roundMs);
    stop(direct);
    go(remote);
    const remoteRate = await frameRate(remote, roundMs);
    if (round < 0) continue;
    directRates!.push(directRate);
    remoteRates!.push(remoteRate);
    ratios!.push(remoteRate / directRate);
    say(`${name}: direct ${directRate.toFixed(1)} fps, remote ${remoteRate.toFixed(1)} fps`);
  }
  return [
    medianFigure(`remote_vs_direct_fps.${name}`, spreadOf(ratios!), { atLeast: 0.9 }),
    medianFigure(`direct_fps.${name}`, spreadOf(directRates!)),
    medianFigure(`remote_fps.${name}`, spreadOf(remoteRates!)),
  ];
}

function stop(program: Command): void {
  process.kill(-program.pid, "SIGSTOP");
}

function go(program: Command): void {
  process.kill(-program.pid, "SIGCONT");
}
