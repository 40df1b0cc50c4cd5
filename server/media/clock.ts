/** Microseconds of CLOCK_MONOTONIC, which the host's processes share. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
