import type { GpuShare } from "#shared/admin/gpu-share.ts";

type Promised = { readonly name: string; readonly share: GpuShare };

/** A promise of less is a rounding error: 33.4 and twice 33.3 make 100. Percent. */
const PRECISION = 1e-6;

/**
 * Why the session can't be promised this share beside the others; undefined: it can. Fixed shares are rights, and more than the
 * whole GPU can't be promised.
 */
export function overPromised(
  { name, share }: Promised,
  all: Iterable<Promised>,
): string | undefined {
  if (share.policy !== "fixed-share") return undefined;
  const others = [...all].flatMap((other) =>
    other.name === name || other.share.policy !== "fixed-share"
      ? []
      : [{ name: other.name, percent: other.share.percent }],
  );
  const promised = others.reduce((sum, { percent }) => sum + percent, 0);
  if (promised + share.percent <= 100 + PRECISION) return undefined;
  const whose = others.map((other) => `${other.name} has ${other.percent} %`).join(", ");
  const left = Math.max(0, 100 - promised);
  return (
    `A fixed share of ${share.percent} % for session ${name} would promise more than the whole GPU (${whose}): ` +
    `${left > 0 ? `give it ${round(left)} % at most, or ` : ""}lower another's first.`
  );
}

function round(percent: number): number {
  return Math.floor(percent * 100) / 100;
}
