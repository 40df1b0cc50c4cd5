import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { longestGap } from "#test/bench/sharing/gaps.ts";
import { HOSTILE_GUESTS } from "#test/bench/sharing/hostile-guests.ts";
import { LOAD, loaded } from "#test/bench/sharing/load.ts";
import { HeadlessViewer } from "#test/support/headless-viewer.ts";
import { Stack, type Vm } from "#test/support/stack.ts";

// The hostile guests of `npm run bench -- sharing`, each until the admin API names it, beside one that behaves.

const LYING_GATEWAY = fileURLToPath(
  new URL("../bench/programs/gateway-with-liars.ts", import.meta.url),
);

/** Bounds that a hostile guest comes to soon. */
const CONFIG = {
  submitDeadline: 1000,
  doors: { joinsPerMinute: 30 },
  profiles: {
    default: {
      size: { width: 320, height: 180 },
      frameRate: 30,
      gpuMemoryMb: 128,
      mappedMemoryMb: 128,
      objects: 4096,
    },
  },
};

/** Far above what is measured (0.2 s), for a busy machine; below a picture that stands still, which is sent every 2.5 s. */
const MAX_GAP_MS = 2000;

let stack: Stack;
let bystander: Vm;
let viewer: HeadlessViewer;

beforeAll(async () => {
  stack = await Stack.start({ gateway: LYING_GATEWAY, config: CONFIG });
  bystander = await stack.addVm("bystander");
  bystander.run(LOAD, loaded(10, false));
  viewer = await HeadlessViewer.watch(await bystander.viewerLink("view"));
});
afterAll(async () => {
  await viewer[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

describe("costs its own session alone, and is named:", () => {
  test.for(HOSTILE_GUESTS)("$name", async ({ name, attack, isNamed }) => {
    const vm = await stack.addVm(name);
    const from = performance.now();
    const named = new AbortController();
    const attacked = attack(stack, vm, named.signal);
    while (!isNamed(await reportOf(name))) await viewer.framesMoreThan(viewer.frames.length);
    named.abort();
    await attacked;
    expect(longestGap(viewer, from, performance.now())).toBeLessThan(MAX_GAP_MS);
    expect(await stack.report(bystander.session)).toMatchObject({
      state: "live",
      programs: 1,
      restarts: 0,
      errors: { worker: 0, program: 0, viewer: 0 },
    });
    expect(viewer.lost).toBe(0);
  });
});

/** As of a session that did nothing, before its guest has come. */
async function reportOf(session: string) {
  return stack.report(session).catch(() => ({ counts: {} }));
}
