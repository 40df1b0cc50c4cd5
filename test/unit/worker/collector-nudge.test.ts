import { expect, test } from "vitest";
import { CollectorNudge } from "#server/worker/collector-nudge.ts";

/** How often V8 was asked to look, after looks at these counts of released handles. */
function nudges(looks: readonly number[]): number {
  let count = 0;
  const collector = new CollectorNudge(() => count++);
  for (const released of looks) collector.look(released);
  return count;
}

test.for([
  { what: "nothing is released", looks: [0, 0, 0], asked: 0 },
  { what: "a program that draws gives up little a second", looks: [200, 400, 600, 800], asked: 0 },
  {
    what: "it rests after a handle less than is worth a look",
    looks: [1023, 1023, 1023],
    asked: 0,
  },
  { what: "it rests after as many as are worth a look", looks: [1024, 1024, 1024], asked: 1 },
  { what: "it goes on, one less than is waited for", looks: [10_000, 16_383], asked: 0 },
  { what: "it goes on, as many as are waited for", looks: [10_000, 16_384, 20_000], asked: 1 },
  { what: "it goes on for long", looks: [16_384, 32_767, 32_768, 49_152], asked: 3 },
])("V8 is asked to look $asked times where $what", ({ looks, asked }) => {
  expect(nudges(looks)).toBe(asked);
});
