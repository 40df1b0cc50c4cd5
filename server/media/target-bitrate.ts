import type { BitrateBounds } from "./messages.ts";

/** Headers, resends and probes share the way with the picture. */
const MEDIA_SHARE = 0.95;

/**
 * The picture of those in control is made no coarser for those who only watch than to this part of what the former take.
 * Bounds what a viewer that takes little, or says so, costs the operator.
 */
const WATCHERS_PULL = 1 / 4;

/** Who is behind for so long is left out, in milliseconds: the picture is made for the others. */
export const LEAVE_OUT_MS = 5_000;

/** Who was left out counts again after so long of being fine. Bounds how often one can pull the others down. */
export const COUNT_AGAIN_MS = 60_000;

export type Watching = {
  readonly viewer: string;
  readonly control: boolean;
  /** Bits a second that its network is thought to carry. */
  readonly estimate: number;
};

type Standing = {
  behindSince: number | undefined;
  fineSince: number | undefined;
  isLeftOut: boolean;
};

/** What a session's encoder is asked for: what all can take who are not far behind the others. Time is the caller's, in ms. */
export class TargetBitrate {
  readonly #standings = new Map<string, Standing>();

  /** To be called about once a second, with all who are connected. */
  update(all: readonly Watching[], { min }: BitrateBounds, now: number): void {
    const present = new Set(all.map(({ viewer }) => viewer));
    for (const viewer of this.#standings.keys()) {
      if (!present.has(viewer)) this.#standings.delete(viewer);
    }
    for (const each of all) {
      const standing = this.#standings.get(each.viewer) ?? {
        behindSince: undefined,
        fineSince: undefined,
        isLeftOut: false,
      };
      this.#standings.set(each.viewer, standing);
      if (isBehind(each, all, min)) {
        standing.behindSince ??= now;
        standing.fineSince = undefined;
        if (now - standing.behindSince >= LEAVE_OUT_MS) standing.isLeftOut = true;
      } else {
        standing.fineSince ??= now;
        standing.behindSince = undefined;
        if (now - standing.fineSince >= COUNT_AGAIN_MS) standing.isLeftOut = false;
      }
    }
  }

  /** The picture is not made for this viewer: it may be too much for its network. */
  isLeftOut(viewer: string): boolean {
    return this.#standings.get(viewer)?.isLeftOut === true;
  }

  /** Bits a second. */
  of(all: readonly Watching[], bounds: BitrateBounds): number {
    if (all.length === 0) return bounds.start;
    const counted = all.filter(({ viewer }) => !this.isLeftOut(viewer));
    const [watchers, operators] = leastOfEach(counted.length === 0 ? all : counted);
    const pulled =
      operators === Infinity ? watchers : Math.max(watchers, operators * WATCHERS_PULL);
    const least = Math.min(operators, pulled);
    const share = least >= bounds.max ? bounds.max : least * MEDIA_SHARE;
    return Math.round(Math.max(bounds.min, share));
  }
}

/** Of those who only watch, and of those in control; Infinity: there are none. */
function leastOfEach(all: readonly Watching[]): readonly [watchers: number, operators: number] {
  const least = (control: boolean) =>
    Math.min(...all.filter((each) => each.control === control).map(({ estimate }) => estimate));
  return [least(false), least(true)];
}

/** Who only watches is measured by those in control; else one at the least bitrate by others that are not. */
function isBehind(one: Watching, all: readonly Watching[], min: number): boolean {
  const others = all.filter(({ viewer }) => viewer !== one.viewer);
  const operators = others.filter(({ control }) => control);
  if (!one.control && operators.length > 0) {
    const [, least] = leastOfEach(operators);
    return one.estimate < least * WATCHERS_PULL;
  }
  const peers = one.control ? operators : others;
  return one.estimate <= min && peers.some(({ estimate }) => estimate > min);
}
