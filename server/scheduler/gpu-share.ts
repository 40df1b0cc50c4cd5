import type { GpuShare } from "#shared/admin/gpu-share.ts";
import { assertNever } from "#shared/base/assert.ts";
import type { Seat } from "./seat.ts";

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

/**
 * What a share comes to for who gets so many ticks a second. A target above is none that can be met: who draws once a second because
 * nobody watches would come before all others with whatever else it computes.
 */
export function shareAtRate(share: GpuShare, ticksPerSecond: number): GpuShare {
  if (share.policy !== "target-frame-rate") return share;
  return { ...share, frameRate: Math.min(share.frameRate, ticksPerSecond) };
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
