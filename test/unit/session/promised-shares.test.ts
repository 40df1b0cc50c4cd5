import { expect, test } from "vitest";
import { overPromised } from "#server/session/promised-shares.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";

const fixed = (percent: number): GpuShare => ({ policy: "fixed-share", percent });
const EQUAL: GpuShare = { policy: "equal-share", weight: 100 };

const OTHERS = [
  { name: "one", share: fixed(50) },
  { name: "two", share: fixed(20) },
  { name: "equal", share: EQUAL },
];

test.for<{ what: string; share: GpuShare; others?: typeof OTHERS }>([
  { what: "a fixed share of all that is left", share: fixed(30) },
  { what: "an equal share, whatever its weight", share: EQUAL },
  {
    what: "thirds that are no whole numbers",
    share: fixed(33.4),
    others: [33.3, 33.3].map((percent) => ({ name: `of ${percent}`, share: fixed(percent) })),
  },
  { what: "the whole GPU while nothing is promised", share: fixed(100), others: [] },
])("$what can be promised", ({ share, others = OTHERS }) => {
  expect(overPromised({ name: "mine", share }, others)).toBeUndefined();
});

test("what the session itself has now does not count against it", () => {
  expect(overPromised({ name: "one", share: fixed(80) }, OTHERS)).toBeUndefined();
});

test.for([
  {
    what: "one more than is left",
    others: OTHERS,
    says:
      "A fixed share of 31 % for session mine would promise more than the whole GPU (one has 50 %, two has 20 %): " +
      "give it 30 % at most, or lower another's first.",
  },
  {
    what: "anything where all is promised",
    others: [{ name: "all", share: fixed(100) }],
    says:
      "A fixed share of 31 % for session mine would promise more than the whole GPU (all has 100 %): " +
      "lower another's first.",
  },
])("$what is refused with who has it and what is left", ({ others, says }) => {
  expect(overPromised({ name: "mine", share: fixed(31) }, others)).toBe(says);
});
