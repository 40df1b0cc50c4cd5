import { expect, test } from "vitest";
import { run } from "./driver.ts";
import { TARGETS } from "./targets/all.ts";

// A look at every target with a seed that never changes. `npm run fuzz` is the real thing.

const SEED = 1;

/** So short that all targets together, with the start of their processes, stay under half a minute. */
const MESSAGES = 1500;
const MOST_MS = 300;

test.for([...TARGETS.keys()])("%s ends nothing but the conversation", async (name) => {
  const target = await TARGETS.get(name)!();
  const result = await run(target, {
    seed: SEED,
    messages: MESSAGES,
    maxMs: MOST_MS,
    say: () => {},
  });
  expect(result.finding?.fault).toBeUndefined();
  expect(result.messages).toBeGreaterThan(0);
});
