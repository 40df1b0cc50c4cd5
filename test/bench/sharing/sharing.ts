import type { Figure } from "../figures.ts";
import type { Suite, SuiteOptions } from "../suite.ts";
import { guests } from "./guests.ts";
import { hostile, HOSTILE_PARTS } from "./hostile.ts";
import { policyChange } from "./policy-change.ts";
import { recovery } from "./recovery.ts";
import { equalShare, fixedShare } from "./shares.ts";

const PARTS: ReadonlyMap<string, (options: SuiteOptions) => Promise<Figure[]>> = new Map([
  ["equal", equalShare],
  ["fixed", fixedShare],
  ["policy", policyChange],
  ["recovery", recovery],
  ["hostile", hostile],
  ["guests", guests],
]);

/** Many guests on one GPU: what each gets, whatever the others do. */
export const sharing: Suite = {
  parts: [...PARTS.keys(), ...HOSTILE_PARTS],
  run: async (options) => {
    const figures: Figure[] = [];
    for (const [part, measure] of PARTS) {
      const { only } = options;
      const isWanted = only.some((each) => each === part || each.startsWith(`${part}.`));
      if (only.length === 0 || isWanted) figures.push(...(await measure(options)));
    }
    return figures;
  },
};
