import { describe, expect, onTestFinished, test } from "vitest";
import { create } from "webgpu";
import { connectGuest, type Guest } from "#client/guest/index.ts";
import { type Bounds, DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import { InProcessWorker } from "./in-process-worker.ts";

// What a session's bounds do to a program, through the guest library, the wire and Dawn.

const gpu = create([]);

const MIB = 1024 * 1024;
const MAP_READ = 1;
const MAP_WRITE = 2;
const COPY_SRC = 4;
const COPY_DST = 8;
const RENDER_ATTACHMENT = 16;
const SHADER = "@compute @workgroup_size(1) fn main() {}";

type Session = {
  readonly guest: Guest;
  readonly worker: InProcessWorker;
  readonly budget: SessionBudget;
  readonly device: GPUDevice;
  /** Errors that no scope took, as they came. */
  readonly uncaptured: { readonly type: string; readonly message: string }[];
};

/** A program in a session with these bounds, which ends with the test. */
async function start(bounds: Partial<Bounds> = {}): Promise<Session> {
  return connect(new SessionBudget({ ...DEFAULT_BOUNDS, ...bounds }));
}

async function connect(budget: SessionBudget): Promise<Session> {
  const worker = new InProcessWorker(gpu, budget);
  const guest = connectGuest({ connect: () => worker.transport, report: () => {} });
  guest.installGlobals(globalThis);
  onTestFinished(() => guest.close());
  const adapter = await guest.gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  const uncaptured: Session["uncaptured"] = [];
  device.addEventListener("uncapturederror", ({ error }) => {
    uncaptured.push({ type: error.constructor.name, message: error.message });
  });
  return { guest, worker, budget, device, uncaptured };
}

/** The next error that no scope takes. */
async function nextError({ device }: Session): Promise<GPUError> {
  return new Promise((resolve) => {
    device.addEventListener("uncapturederror", ({ error }) => resolve(error), { once: true });
  });
}

async function done({ device }: Session): Promise<void> {
  await device.queue.onSubmittedWorkDone();
}

/** What a scope for this type of error holds after the act. */
async function caught(
  { device }: Session,
  filter: GPUErrorFilter,
  act: () => void,
): Promise<GPUError | null> {
  device.pushErrorScope(filter);
  act();
  return device.popErrorScope();
}

/** A session like any other, beside one that misbehaves: its numbers come back. */
async function expectGoesOn(polite: Session): Promise<void> {
  const buffer = polite.device.createBuffer({ size: 8, usage: MAP_READ | COPY_DST });
  polite.device.queue.writeBuffer(buffer, 0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  await buffer.mapAsync(MAP_READ);
  expect([...new Uint8Array(buffer.getMappedRange())]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  buffer.destroy();
  expect(polite.uncaptured).toEqual([]);
}

const makers = [
  {
    what: "a buffer",
    make: ({ device }: Session) => device.createBuffer({ size: 1, usage: COPY_DST }),
  },
  {
    what: "a buffer that is mapped for writing",
    make: ({ device }: Session) => device.createBuffer({ size: 4, usage: MAP_WRITE | COPY_SRC }),
  },
  {
    what: "a texture",
    make: ({ device }: Session) =>
      device.createTexture({ size: [1], format: "rgba8unorm", usage: RENDER_ATTACHMENT }),
  },
  {
    what: "a query set",
    make: ({ device }: Session) => device.createQuerySet({ type: "occlusion", count: 1 }),
  },
] as const;

describe("GPU memory", () => {
  test.for(makers)("holds $what to the quota, and refuses one over it", async ({ make }) => {
    const session = await start({ gpuMemoryMb: 16 });
    const { device, budget, uncaptured } = session;
    device.createBuffer({ size: 16 * MIB - 4096, usage: COPY_DST });
    const last = device.createBuffer({ size: 4096, usage: COPY_DST });
    const error = await caught(session, "out-of-memory", () => make(session));
    expect(error?.constructor.name).toBe("GPUOutOfMemoryError");
    expect(error?.message).toMatch(/takes 256 bytes, and 16777216 of the 16777216 .* are in use/);
    // Once there is room for it, it is made as ever, and destroying it makes that room again, once.
    last.destroy();
    last.destroy();
    const made = make(session);
    await done(session);
    expect(budget.gpuMemory.used).toBe(16 * MIB - 4096 + 256);
    made.destroy();
    made.destroy();
    await done(session);
    expect(budget.gpuMemory.used).toBe(16 * MIB - 4096);
    device.destroy();
    await expect.poll(() => budget.gpuMemory.used).toBe(0);
    expect(uncaptured).toEqual([]);
  });

  test("errors go to the innermost scope of their type, and the one around a validation scope", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const { device, uncaptured } = session;
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    device.createBuffer({ size: 16 * MIB + 1, usage: COPY_DST });
    const inner = device.popErrorScope();
    const outer = device.popErrorScope();
    expect(await inner).toBeNull();
    expect((await outer)?.constructor.name).toBe("GPUOutOfMemoryError");
    expect(uncaptured).toEqual([]);
  });

  test("an error without a scope is uncaptured", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const error = nextError(session);
    session.device.createTexture({
      size: [4096, 4096],
      format: "rgba32float",
      usage: RENDER_ATTACHMENT,
    });
    expect(await error).toMatchObject({
      message: expect.stringContaining("A texture takes 268435456 bytes"),
    });
    expect((await error).constructor.name).toBe("GPUOutOfMemoryError");
  });

  test("an object that there was no memory for is invalid, and its use an error", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const { device, uncaptured } = session;
    let buffer!: GPUBuffer;
    let texture!: GPUTexture;
    await caught(session, "out-of-memory", () => {
      buffer = device.createBuffer({ label: "the large one", size: 17 * MIB, usage: COPY_DST });
      texture = device.createTexture({
        size: [4096, 4096],
        format: "rgba8unorm",
        usage: RENDER_ATTACHMENT,
      });
    });
    const write = await caught(session, "validation", () => {
      device.queue.writeBuffer(buffer, 0, new Uint8Array(4));
    });
    expect(write?.message).toContain('[Invalid Buffer "the large one"] is invalid');
    const view = await caught(session, "validation", () => void texture.createView());
    expect(view?.message).toContain("[Invalid Texture] is invalid");
    expect([buffer.size, texture.width]).toEqual([17 * MIB, 4096]);
    buffer.destroy();
    texture.destroy();
    await done(session);
    expect(uncaptured).toEqual([]);
  });

  test("a buffer over the device's limit is a validation error, as without a quota", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const { device, budget } = session;
    const size = device.limits.maxBufferSize + 4;
    const error = await caught(session, "validation", () => {
      device.createBuffer({ size, usage: COPY_DST });
    });
    expect(error?.message).toContain("exceeds the max buffer size");
    expect(budget.gpuMemory.used).toBe(0);
  });

  test("a buffer that is mapped at its creation gives the program memory, and an error", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const { device } = session;
    let buffer!: GPUBuffer;
    const error = await caught(session, "out-of-memory", () => {
      buffer = device.createBuffer({ size: 17 * MIB, usage: COPY_DST, mappedAtCreation: true });
      new Uint8Array(buffer.getMappedRange())[0] = 1;
      buffer.unmap();
    });
    expect(error?.constructor.name).toBe("GPUOutOfMemoryError");
    await done(session);
    expect(session.uncaptured).toEqual([]);
    expect(session.budget.hostMemory.used).toBe(0);
  });

  test("canvases take of it, until their pictures are captured or dropped", async () => {
    const session = await start({ gpuMemoryMb: 16 });
    const { guest, device, worker, budget } = session;
    const captured = Promise.withResolvers<void>();
    const presented = Promise.withResolvers<void>();
    worker.onPresent = async () => {
      presented.resolve();
      await captured.promise;
    };
    const canvas = { width: 2048, height: 1024 };
    const context = guest.createCanvasContext(canvas);
    context.configure({ device, format: "rgba8unorm" });
    const ticked = Promise.withResolvers<void>();
    guest.requestAnimationFrame(() => {
      const encoder = device.createCommandEncoder();
      const view = context.getCurrentTexture().createView();
      const clear = { view, loadOp: "clear", storeOp: "store" } as const;
      encoder.beginRenderPass({ colorAttachments: [clear] }).end();
      device.queue.submit([encoder.finish()]);
      ticked.resolve();
    });
    worker.tick(1);
    await ticked.promise;
    await presented.promise;
    expect(budget.gpuMemory.used).toBe(8 * MIB);
    captured.resolve();
    await expect.poll(() => budget.gpuMemory.used).toBe(0);
    canvas.width = 2048;
    canvas.height = 2049;
    const error = await caught(session, "out-of-memory", () => {
      context.configure({ device, format: "rgba8unorm" });
      context.getCurrentTexture();
    });
    expect(error?.message).toContain("A canvas's texture takes 16785408 bytes");
  });

  test("is shared by the programs of a session, and a program's end gives back what it had", async () => {
    const first = await start({ gpuMemoryMb: 16 });
    const second = await connect(first.budget);
    first.device.createBuffer({ size: 16 * MIB, usage: COPY_DST });
    await done(first);
    const make = () => void second.device.createBuffer({ size: 4, usage: COPY_DST });
    expect(await caught(second, "out-of-memory", make)).not.toBeNull();
    first.guest.close();
    expect(first.budget.gpuMemory.used).toBe(0);
    expect(await caught(second, "out-of-memory", make)).toBeNull();
  });

  test("that a profile allows shows in the adapter's limits, which are also those of a device", async () => {
    const { guest } = await start({ gpuMemoryMb: 512 });
    const adapter = (await guest.gpu.requestAdapter())!;
    expect(adapter.limits.maxBufferSize).toBe(512 * MIB);
    expect(adapter.limits.maxStorageBufferBindingSize).toBe(512 * MIB);
    const device = await adapter.requestDevice({
      requiredLimits: { maxBufferSize: 512 * MIB },
    });
    expect(device.limits.maxBufferSize).toBe(512 * MIB);
  });
});

describe("a program that takes without end costs its own session alone", () => {
  test("a memory bomb gets what its quota holds", async () => {
    const [bomb, polite] = [await start({ gpuMemoryMb: 16 }), await start()];
    const buffers: GPUBuffer[] = [];
    for (let count = 0; count < 64; count++) {
      buffers.push(bomb.device.createBuffer({ size: MIB, usage: COPY_DST }));
      bomb.device.queue.writeBuffer(buffers.at(-1)!, 0, new Uint8Array(MIB));
    }
    await done(bomb);
    expect(bomb.budget.gpuMemory.used).toBe(16 * MIB);
    const outOfMemory = bomb.uncaptured.filter(({ type }) => type === "GPUOutOfMemoryError");
    expect(outOfMemory).toHaveLength(64 - 16);
    await expectGoesOn(polite);
    expect(buffers).toHaveLength(64);
  });

  test("an object flood ends at the limit, with a sentence", async () => {
    const [flood, polite] = [await start({ objects: 1000 }), await start()];
    const { device, guest, budget } = flood;
    await done(flood);
    const samplers: GPUSampler[] = [];
    while (budget.objects.all.used + samplers.length < 1000) samplers.push(device.createSampler());
    await done(flood);
    expect(budget.objects.all.used).toBe(1000);
    samplers.push(device.createSampler());
    await device.lost;
    expect(await guest.closed).toContain(
      "The session has 1000 objects and makes one more (limit 1000).",
    );
    flood.worker[Symbol.dispose]();
    expect(budget.objects.all.used).toBe(0);
    await expectGoesOn(polite);
  });

  test("a map flood gets the host memory of its quota, at creation and for reading", async () => {
    const [flood, polite] = [await start({ mappedMemoryMb: 4 }), await start()];
    const { device, budget } = flood;
    const mapped = (size: number) =>
      device.createBuffer({ size, usage: COPY_DST | MAP_READ, mappedAtCreation: true });
    const four = [1, 2, 3, 4].map(() => mapped(MIB));
    const error = await caught(flood, "out-of-memory", () => void mapped(4));
    expect(error?.message).toContain("Mapping a buffer of 4 bytes takes 4 bytes, and 4194304 of");
    expect(budget.hostMemory.used).toBe(4 * MIB);
    for (const buffer of four) buffer.unmap();
    await done(flood);
    expect(budget.hostMemory.used).toBe(0);
    const fifth = device.createBuffer({ size: 4, usage: COPY_DST | MAP_READ });
    await Promise.all(four.map((buffer) => buffer.mapAsync(MAP_READ)));
    expect(budget.hostMemory.used).toBe(4 * MIB);
    await expect(fifth.mapAsync(MAP_READ)).rejects.toThrow(/no host memory to map 4 bytes/);
    four[0]!.destroy();
    await fifth.mapAsync(MAP_READ);
    expect(budget.hostMemory.used).toBe(3 * MIB + 4);
    device.destroy();
    await expect.poll(() => budget.hostMemory.used).toBe(0);
    await expectGoesOn(polite);
  });

  test("a recording without end loses its device once it takes the host memory of its quota", async () => {
    const [flood, polite] = [await start({ mappedMemoryMb: 1 }), await start()];
    const { device, budget } = flood;
    const lost = device.lost.then(({ reason, message }) => ({ reason, message }));
    const encoder = device.createCommandEncoder();
    for (let count = 0; count < 5000; count++) encoder.insertDebugMarker("x");
    await done(flood);
    const held = budget.hostMemory.used;
    expect(held).toBeGreaterThan(5000 * 32);
    // Submitted, or let go of, it takes nothing any more.
    device.queue.submit([encoder.finish()]);
    await done(flood);
    expect(budget.hostMemory.used).toBe(0);
    const endless = device.createCommandEncoder();
    for (let count = 0; count < 50_000; count++) endless.insertDebugMarker("x");
    expect(await lost).toEqual({
      reason: "unknown",
      message: expect.stringMatching(/^Commands that are recorded and not submitted take more/),
    });
    expect(budget.hostMemory.used).toBe(0);
    await expectGoesOn(polite);
  });

  test("a map that Dawn refuses takes no host memory", async () => {
    const session = await start();
    const buffer = session.device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
    await caught(session, "validation", () => {
      buffer.mapAsync(MAP_READ, 3).catch(() => {});
    });
    await done(session);
    expect(session.budget.hostMemory.used).toBe(0);
    const pending = buffer.mapAsync(MAP_READ);
    buffer.unmap();
    await expect(pending).rejects.toThrow(/unmapped/);
    await done(session);
    expect(session.budget.hostMemory.used).toBe(0);
  });

  test("an error flood is told one by one up to the rate, and then with a count", async () => {
    const [flood, polite] = [await start({ errorsPerSecond: 10 }), await start()];
    for (let count = 0; count < 1000; count++) {
      flood.device.createBuffer({ size: 4, usage: 0 });
    }
    await done(flood);
    expect(flood.uncaptured.length).toBeLessThan(20);
    await expectGoesOn(polite);
    await expect
      .poll(() => flood.uncaptured.at(-1)?.message, { timeout: 5000 })
      .toMatch(
        /^9\d\d errors came too fast to be told one by one\. The last: Buffer usages must not be 0/,
      );
  });

  test("a pipeline bomb waits for its rate, and others do not", async () => {
    const [bomb, polite] = [await start({ compilesPerSecond: 20 }), await start()];
    const { device } = bomb;
    const begin = performance.now();
    const module = device.createShaderModule({ code: SHADER });
    for (let count = 0; count < 29; count++) {
      device.createComputePipeline({ layout: "auto", compute: { module } });
    }
    const order: string[] = [];
    const finish = async (session: Session, name: string) => {
      await done(session);
      order.push(name);
    };
    const both = Promise.all([finish(bomb, "bomb"), finish(polite, "polite")]);
    await expectGoesOn(polite);
    await both;
    expect(order).toEqual(["polite", "bomb"]);
    // Thirty compiles: twenty at once, and ten at twenty a second.
    expect(performance.now() - begin).toBeGreaterThan(450);
  });

  test.for([
    {
      what: "uploads",
      bounds: { uploadMbPerSecond: 4 },
      act: async (session: Session) => {
        const buffer = session.device.createBuffer({ size: MIB, usage: COPY_DST });
        for (let count = 0; count < 6; count++) {
          session.device.queue.writeBuffer(buffer, 0, new Uint8Array(MIB));
        }
        await done(session);
      },
    },
    {
      what: "read-backs",
      bounds: { readbackMbPerSecond: 4 },
      act: async ({ device }: Session) => {
        const buffer = device.createBuffer({ size: MIB, usage: COPY_DST | MAP_READ });
        for (let count = 0; count < 7; count++) {
          await buffer.mapAsync(MAP_READ);
          buffer.unmap();
        }
      },
    },
  ])("$what over the rate wait for it", async ({ bounds, act }) => {
    const [busy, polite] = [await start(bounds), await start()];
    const begin = performance.now();
    const finished = act(busy);
    await expectGoesOn(polite);
    await finished;
    // Six MiB and more: four at once, and two at four a second.
    expect(performance.now() - begin).toBeGreaterThan(450);
    expect(busy.uncaptured).toEqual([]);
  });

  test("a shader may be as long as the limit, and not one byte longer", async () => {
    const session = await start({ shaderKb: 1 });
    const { device } = session;
    const longest = SHADER.padEnd(1024);
    const fits = await caught(session, "validation", () => {
      device.createShaderModule({ code: longest });
    });
    expect(fits).toBeNull();
    let module!: GPUShaderModule;
    const error = await caught(session, "validation", () => {
      module = device.createShaderModule({ code: `${longest} ` });
    });
    expect(error?.message).toBe(
      "A shader module of 1025 bytes is over this session's limit (1024).",
    );
    const use = await caught(session, "validation", () => {
      device.createComputePipeline({ layout: "auto", compute: { module } });
    });
    expect(use?.message).toContain("[Invalid ShaderModule");
  });
});

function dispatch({ device }: Session, x: number): void {
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.dispatchWorkgroups(x, 4, 4);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

function draw({ device }: Session, record: (pass: GPURenderPassEncoder) => void): void {
  const format = "rgba8unorm";
  const module = device.createShaderModule({
    code: `@vertex fn v() -> @builtin(position) vec4f { return vec4f(); }
      @fragment fn f() -> @location(0) vec4f { return vec4f(); }`,
  });
  const pipeline = device.createRenderPipeline({
    layout: "auto",
    vertex: { module },
    fragment: { module, targets: [{ format }] },
  });
  const texture = device.createTexture({ size: [4, 4], format, usage: RENDER_ATTACHMENT });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: texture.createView(), loadOp: "clear", storeOp: "store" }],
  });
  pass.setPipeline(pipeline);
  const indices = device.createBuffer({ size: 256, usage: GPUBufferUsage.INDEX });
  pass.setIndexBuffer(indices, "uint32");
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

function drawBundle(session: Session, vertices: number): void {
  draw(session, (pass) => {
    const encoder = session.device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
    encoder.draw(vertices, 8);
    pass.executeBundles([encoder.finish()]);
  });
}

describe("a giant loses its device, with the reason, and one at the limit does not", () => {
  const bounds = { maxDispatchWorkgroups: 64, maxDrawVertices: 64 };

  test.for([
    {
      what: "dispatch",
      atLimit: (session: Session) => dispatch(session, 4),
      over: (session: Session) => dispatch(session, 5),
      says: "A dispatch of 5 by 4 by 4 workgroups is over this session's limit (64).",
    },
    {
      what: "draw",
      atLimit: (session: Session) => draw(session, (pass) => pass.draw(8, 8)),
      over: (session: Session) => draw(session, (pass) => pass.draw(65)),
      says: "A draw of 65 vertices in 1 instances is over this session's limit (64).",
    },
    {
      what: "indexed draw",
      atLimit: (session: Session) => draw(session, (pass) => pass.drawIndexed(64)),
      over: (session: Session) => draw(session, (pass) => pass.drawIndexed(13, 5)),
      says: "A draw of 13 vertices in 5 instances is over this session's limit (64).",
    },
    {
      what: "draw in a bundle",
      atLimit: (session: Session) => drawBundle(session, 0),
      over: (session: Session) => drawBundle(session, 9),
      says: "A draw of 9 vertices in 8 instances is over this session's limit (64).",
    },
  ])("$what", async ({ atLimit, over, says }) => {
    const [giant, polite] = [await start(bounds), await start()];
    const outcome = giant.device.lost.then(({ reason, message }) => ({ reason, message }));
    atLimit(giant);
    await done(giant);
    over(giant);
    expect(await outcome).toEqual({ reason: "unknown", message: says });
    expect(giant.budget.gpuMemory.used).toBe(0);
    await expectGoesOn(polite);
    // The program may go on with another device.
    const adapter = await giant.guest.gpu.requestAdapter();
    const device = await adapter!.requestDevice();
    await device.queue.onSubmittedWorkDone();
  });
});
