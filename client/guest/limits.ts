import { LIMIT_NAMES, type LimitName, type Limits } from "./gen/supported-limits.ts";

/** The limits of a reply as this build knows them: one that the worker does not know is 0. */
export function completeLimits(limits: Readonly<Record<string, number>>): Limits {
  const complete = LIMIT_NAMES.map((name): [LimitName, number] => [name, limits[name] ?? 0]);
  return Object.fromEntries(complete) as Record<LimitName, number>;
}
