import type { HeadlessViewer } from "#test/support/headless-viewer.ts";

/** The longest time without a frame between two times of performance.now(), in milliseconds. */
export function longestGap({ frames }: HeadlessViewer, from: number, to: number): number {
  const times = [from, ...frames.filter((time) => time > from && time < to), to];
  return Math.max(...times.map((time, index) => time - times[Math.max(0, index - 1)]!));
}
