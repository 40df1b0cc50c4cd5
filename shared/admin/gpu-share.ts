import { z } from "zod";
import { SHARE_LIMITS } from "./share-limits.ts";

/**
 * How a session takes part in the GPU, in the words of vGPU's schedulers.
 *
 * - `best-effort`: what nobody else wants; such sessions use the GPU at the same time, in no order.
 * - `equal-share`: as much as each other one that wants it, by weight; what one leaves goes to the rest.
 * - `fixed-share`: so many percent, as a right and as a bound: what it leaves goes to the rest, and it gets no more.
 * - `target-frame-rate`: before the others while it is below its frame rate, and as an equal one above.
 */
export const GpuShare = z.discriminatedUnion("policy", [
  z.strictObject({ policy: z.literal("best-effort") }),
  z.strictObject({
    policy: z.literal("equal-share"),
    weight: within(SHARE_LIMITS.weight).default(1),
  }),
  z.strictObject({ policy: z.literal("fixed-share"), percent: within(SHARE_LIMITS.percent) }),
  z.strictObject({
    policy: z.literal("target-frame-rate"),
    frameRate: within(SHARE_LIMITS.frameRate),
  }),
]);
export type GpuShare = z.infer<typeof GpuShare>;

function within({ least, most }: { readonly least: number; readonly most: number }): z.ZodNumber {
  return z.number().min(least).max(most);
}
