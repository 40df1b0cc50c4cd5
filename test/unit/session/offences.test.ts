import { expect, test } from "vitest";
import { MAX_OFFENCES, OFFENCE_WINDOW_MS, Offences } from "#server/session/offences.ts";

const MINUTE = 60_000;

test.for([
  { what: "two within ten minutes", times: [0, 5], isTooMany: false },
  { what: "three within ten minutes", times: [0, 5, 9], isTooMany: true },
  { what: "the first of three just counts", times: [0, 5, 10 - 1e-6], isTooMany: true },
  { what: "the first of three no longer counts", times: [0, 5, 10], isTooMany: false },
])("$what is too many: $isTooMany", ({ times, isTooMany }) => {
  const offences = new Offences();
  const found = times.map((time) => offences.add(time * MINUTE));
  expect(found.at(-1)).toBe(isTooMany);
});

test("as many within the window as the limit are too many, and not one fewer", () => {
  const offences = new Offences();
  for (let count = 1; count < MAX_OFFENCES; count++) expect(offences.add(0)).toBe(false);
  expect(offences.add(OFFENCE_WINDOW_MS - 1)).toBe(true);
});

test("an offence is remembered for ten minutes", () => {
  const offences = new Offences();
  expect(offences.remembered(0)).toBe(0);
  offences.add(MINUTE);
  expect(offences.remembered(MINUTE)).toBe(10 * MINUTE);
  expect(offences.remembered(11 * MINUTE - 1)).toBe(1);
  expect(offences.remembered(11 * MINUTE)).toBe(0);
});
