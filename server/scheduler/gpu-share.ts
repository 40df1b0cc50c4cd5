import { assertNever } from "#shared/base/assert.ts";
import type { Seat } from "./seat.ts";

/**
 * How a session takes part in the GPU, in the words of vGPU's schedulers.
 *
 * - `best-effort`: what nobody else wants; such sessions use the GPU at the same time, in no order.
 * - `equal-share`: as much as each other one that wants it, by weight; what one leaves goes to the rest.
 * - `fixed-share`: so many percent, as a right and as a bound: what it leaves goes to the rest, and it gets no more.
 * - `target-frame-rate`: before the others while it is below its frame rate, and as an equal one above.
 */
export type GpuShare =
  | { readonly policy: "best-effort" }
  | { readonly policy: "equal-share"; readonly weight: number }
  | { readonly policy: "fixed-share"; readonly percent: number }
  | { readonly policy: "target-frame-rate"; readonly frameRate: number };

/** What equal shares divide at least, however much is promised to fixed ones. Percent. */
const LEAST_FOR_EQUALS = 5;

/** Lower goes first; those of one priority go by what they had. */
export function priorityOf(seat: Seat, now: number): number {
  const { share } = seat;
  switch (share.policy) {
    case "best-effort":
      return 3;
    case "equal-share":
      return 2;
    case "fixed-share":
      return seat.isOwed(now) ? 1 : 2;
    case "target-frame-rate":
      return seat.isFrameDue(now) ? 1 : 2;
    default:
      return assertNever(share);
  }
}

/** Its part of the GPU while all want it, relative to the others' (1 is a hundredth). */
export function weightOf(seat: Seat, seats: Iterable<Seat>): number {
  let fixed = 0;
  let equal = 0;
  for (const { share } of seats) {
    if (share.policy === "fixed-share") fixed += share.percent;
    else equal += ownWeight(share);
  }
  if (seat.share.policy === "fixed-share") return seat.share.percent / 100;
  return (
    (Math.max(LEAST_FOR_EQUALS, 100 - fixed) * ownWeight(seat.share)) / Math.max(1, equal) / 100
  );
}

function ownWeight(share: GpuShare): number {
  return share.policy === "equal-share" ? share.weight : 1;
}
