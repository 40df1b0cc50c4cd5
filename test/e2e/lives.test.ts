import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proportionalSetSize } from "#test/support/processes.ts";
import { Command, Stack, type Vm } from "#test/support/stack.ts";

// How long objects live: what a program drops is released, and what it still uses is not.

const SHORT_LIVED = fileURLToPath(new URL("scenes/short-lived.js", import.meta.url));
const BIG_BUFFERS = fileURLToPath(new URL("scenes/big-buffers.js", import.meta.url));
const COLLECTED = fileURLToPath(new URL("scenes/collected.js", import.meta.url));
const DIRECT_PRELOAD = fileURLToPath(new URL("../support/direct-preload.ts", import.meta.url));

const MEBIBYTE = 2 ** 20;
/** Of the worker's memory, by which it may differ from what it was. */
const SLACK = 100 * MEBIBYTE;
/** The collector, the worker's report and the gateway's each take a second. */
const SOON = { timeout: 20_000, interval: 250 };

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({
    config: {
      gpu: "software",
      profiles: { default: { size: { width: 160, height: 120 }, gpuMemoryMb: 1024 } },
    },
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A program whose phases the test steps through. */
class Phases {
  readonly #vm: Vm;
  readonly #program: Command;
  #pid = 0;

  constructor(vm: Vm, program: Command) {
    this.#vm = vm;
    this.#program = program;
  }

  /** Resolves with what the phase printed, and the errors that the program was told of before. */
  async reached(phase: string): Promise<string> {
    const [, said, pid] = await this.#program.line(new RegExp(`^${phase}(.*) \\((\\d+)\\)$`));
    this.#pid = Number(pid);
    return [said, ...this.#program.lines.filter((line) => line.startsWith("error"))].join("\n");
  }

  /** Lets the program go on. */
  next(): void {
    process.kill(this.#pid, "SIGUSR2");
  }

  /** What the gateway tells of the session. */
  async holds(): Promise<{ objects: number; gpuMemory: number }> {
    const { objects = 0, gpuMemory = 0 } = await stack.report(this.#vm.session);
    return { objects, gpuMemory };
  }

  /** Of its worker, in bytes. */
  async memory(): Promise<number> {
    return proportionalSetSize(stack.workerOf(this.#vm.session)!);
  }
}

async function start(session: string, program: string): Promise<Phases> {
  const vm = await stack.addVm(session);
  return new Phases(vm, vm.run(program));
}

describe("what a program drops is released, by the gateway's report", () => {
  test("200,000 objects of a frame", { timeout: 120_000 }, async () => {
    const phases = await start("short", SHORT_LIVED);
    expect(await phases.reached("began: ")).toBe("right");
    // Adapter, device, layout, pipeline and two buffers: what the program has variables for.
    const atRest = { objects: 6, gpuMemory: 512 };
    await expect.poll(() => phases.holds(), SOON).toEqual(atRest);
    const before = await phases.memory();
    phases.next();
    expect(await phases.reached("short-lived: ")).toBe("right");
    await expect.poll(() => phases.holds(), SOON).toEqual(atRest);
    await expect.poll(() => phases.memory(), SOON).toBeLessThan(before + SLACK);
  });

  test("buffers of 64 MiB, one by one and then at once", { timeout: 120_000 }, async () => {
    const phases = await start("big", BIG_BUFFERS);
    expect(await phases.reached("began")).toBe("");
    const atRest = { objects: 3, gpuMemory: 256 };
    await expect.poll(() => phases.holds(), SOON).toEqual(atRest);
    const before = await phases.memory();
    phases.next();
    // Twice what the session may have.
    expect(await phases.reached("one by one: ")).toBe("32");
    await expect.poll(() => phases.holds(), SOON).toEqual(atRest);
    await expect.poll(() => phases.memory(), SOON).toBeLessThan(before + SLACK);
    phases.next();
    expect(await phases.reached("at once: ")).toBe("7 of 8");
    await expect.poll(() => phases.memory(), SOON).toBeGreaterThan(before + 8 * 64 * MEBIBYTE);
    phases.next();
    expect(await phases.reached("dropped")).toBe("");
    await expect.poll(() => phases.holds(), SOON).toEqual(atRest);
    await expect.poll(() => phases.memory(), SOON).toBeLessThan(before + SLACK);
  });
});

test(
  "with a collection after every call, a program reads what it reads on Dawn directly",
  { timeout: 180_000 },
  async () => {
    const vm = await stack.addVm("collected");
    await using direct = new Command(process.execPath, ["--import", DIRECT_PRELOAD, COLLECTED], {
      ...process.env,
      KEEP_DEVICES: "yes",
    });
    await using remote = vm.run(COLLECTED);
    expect([await direct.ended, await remote.ended]).toEqual(["0", "0"]);
    expect(direct.lines.filter((line) => line.startsWith("story"))).toHaveLength(10);
    expect(remote.lines).toEqual(direct.lines);
  },
);
