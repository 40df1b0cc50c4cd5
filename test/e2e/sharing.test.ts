import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { frameRate } from "#test/bench/frame-rate.ts";
import { Stack } from "#test/support/stack.ts";

// Several VMs on the one software GPU, each with all its processes.

const ENDLESS_SHADER = fileURLToPath(
  new URL("../bench/scenes/hostile/endless-shader.js", import.meta.url),
);
const LOAD = fileURLToPath(new URL("../bench/scenes/load.js", import.meta.url));

/** Programs draw without anybody watching, as fast as if somebody did. */
const UNWATCHED = { unwatchedFrameRate: 30, submitDeadline: 2000 };

test("an endless shader costs its own session alone, which is named and told why", async () => {
  await using stack = await Stack.start({ config: UNWATCHED });
  const good = await stack.addVm("good");
  const bad = await stack.addVm("bad");
  const polite = good.run(LOAD, { args: ["--size=320x180"], env: { LOAD_ROUNDS: "10" } });
  await polite.line(/^bench-frames/);
  const hung = bad.run(ENDLESS_SHADER);
  await hung.line(/^submitted/);
  const told = await stack.gateway.line(/"event":"gpu.overdue"/);
  expect(JSON.parse(told.input)).toMatchObject({ session: "bad" });
  const [, reason] = await hung.line(
    /(A submit held the GPU for [\d.]+ s, past the deadline[^"]*)/,
  );
  expect(reason).toMatch(/past the deadline/);
  await hung.ended;
  expect(polite.process.exitCode).toBeNull();
  expect(await frameRate(polite, 1500)).toBeGreaterThan(10);
});

test("a guest that hangs the GPU three times is kept out", async () => {
  await using stack = await Stack.start({ config: { ...UNWATCHED, submitDeadline: 500 } });
  const bad = await stack.addVm("bad");
  for (let time = 1; time <= 3; time++) await bad.run(ENDLESS_SHADER).ended;
  await stack.gateway.line(/"event":"session.quarantined"/);
  const refused = bad.run(ENDLESS_SHADER);
  const [sentence] = await refused.line(/quarantined until its admin lets it back.*/);
  expect(sentence).toContain("held the GPU past the deadline 3 times");
  expect(await stack.report("bad")).toMatchObject({ errors: { worker: 3 } });
});

test("two hogs get the GPU in equal parts", async () => {
  await using stack = await Stack.start({ config: UNWATCHED });
  const env = { LOAD_HOG: "1", LOAD_ROUNDS: "200" };
  const one = (await stack.addVm("one")).run(LOAD, { args: ["--size=320x180"], env });
  const two = (await stack.addVm("two")).run(LOAD, { args: ["--size=320x180"], env });
  await Promise.all([one.line(/^bench-frames/), two.line(/^bench-frames/)]);
  const rates = await Promise.all([frameRate(one, 5000), frameRate(two, 5000)]);
  expect(Math.min(...rates) / Math.max(...rates)).toBeGreaterThan(0.8);
});
