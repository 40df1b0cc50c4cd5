import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "#test/support/stack.ts";

/** Begins each line of programs/count-frames.ts; the count and the time in milliseconds follow. */
export const FRAMES_LINE = "bench-frames";

/** For `--import`. */
export const COUNT_FRAMES = new URL("programs/count-frames.ts", import.meta.url).href;

/** A program that went on after a stop: its first lines tell of the time before. */
const LINES_TO_SETTLE = 3;

/** Frames a second of a program under COUNT_FRAMES, by its own clock, over the next milliseconds. */
export async function frameRate(program: Command, milliseconds: number): Promise<number> {
  await nextLines(program, LINES_TO_SETTLE);
  const from = program.lines.length - 1;
  await delay(milliseconds);
  await nextLines(program, 1);
  const readings = program.lines.slice(from).flatMap((line) => {
    const [name, frames, time] = line.split(" ");
    return name === FRAMES_LINE ? [{ frames: Number(frames), time: Number(time) }] : [];
  });
  const [first, last] = [readings.at(0), readings.at(-1)];
  if (first === undefined || last === undefined) throw new Error("The program draws no frames.");
  return ((last.frames - first.frames) * 1000) / (last.time - first.time);
}

async function nextLines(program: Command, count: number): Promise<void> {
  await program.moreLinesThan(program.lines.length + count - 1);
}
