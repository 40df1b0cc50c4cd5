import { expect, test } from "vitest";
import { readCrashers } from "./crasher.ts";
import { TARGETS } from "./targets/all.ts";

const crashers = await readCrashers();

test("each kept crasher is of a target that there is", () => {
  for (const { crasher } of crashers) expect([...TARGETS.keys()]).toContain(crasher.target);
});

test.for(crashers)("$name is mended: $crasher.fault", async ({ crasher }) => {
  const target = await TARGETS.get(crasher.target)!();
  await using subject = await target.open();
  const messages = crasher.messages.map((hex) => Buffer.from(hex, "hex"));
  expect((await subject.play(messages)).fault).toBeUndefined();
});
