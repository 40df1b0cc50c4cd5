import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Figure, medianFigure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";

/** What programs/recording.ts measured. */
export type Recorded = {
  /** One sample a round. */
  readonly recordNs: readonly number[];
  readonly decodeNs: readonly number[];
  readonly bytesPerDraw: number;
};

/** The wire without a host: the guest library records `draw_heavy`, and what it recorded is decoded. */
export async function recording(rounds: number): Promise<Figure[]> {
  const program = fileURLToPath(new URL("programs/recording.ts", import.meta.url));
  const child = fork(program, [String(rounds)], { serialization: "advanced" });
  const died = once(child, "exit").then(([code]) => {
    throw new Error(`The recording program ended with ${String(code)} before it answered.`);
  });
  const [message] = await Promise.race([once(child, "message"), died]);
  const recorded: Recorded = message;
  const ended = once(child, "exit");
  child.disconnect();
  await ended;
  const { bytesPerDraw } = recorded;
  return [
    medianFigure("record_ns_per_command", spreadOf(recorded.recordNs)),
    medianFigure("decode_ns_per_command", spreadOf(recorded.decodeNs), { atMost: 50 }),
    medianFigure("bytes_per_draw", spreadOf([bytesPerDraw]), { atMost: 40 }),
  ];
}
