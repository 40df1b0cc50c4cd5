import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { create } from "webgpu";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import {
  writeBufferDestroy,
  writeBufferMapAsync,
  writeBufferUnmap,
  writeDeviceCreateBuffer,
  writeDeviceCreateQuerySet,
  writeDeviceCreateShaderModule,
  writeDeviceCreateTexture,
  writeDeviceDestroy,
  writeQuerySetDestroy,
  writeQueueOnSubmittedWorkDone,
  writeQueueWriteBuffer,
  writeRelease,
  writeSurfaceConfigure,
  writeSurfaceCreate,
  writeSurfaceGetCurrentTexture,
  writeSurfacePresent,
  writeTextureDestroy,
} from "#shared/wire/gen/write-commands.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { GuestStream, type Ref } from "./guest-stream.ts";

const gpu = create(["backend=null"]);

const MAP_READ = 1;
const MAP_WRITE = 2;
const COPY_SRC = 4;
const COPY_DST = 8;
const RENDER_ATTACHMENT = 16;

type Made = Ref<"GPUBuffer"> | Ref<"GPUTexture"> | Ref<"GPUQuerySet"> | Ref<"GPUShaderModule">;

const USAGES = {
  plain: COPY_DST,
  forReading: MAP_READ | COPY_DST,
  forWriting: MAP_WRITE | COPY_SRC,
  wrong: MAP_READ | MAP_WRITE,
} as const;

/** One object of a program, and what the program does to it in this order. */
const life = record({
  make: constantFrom("buffer", "texture", "query set", "module", "surface"),
  size: integer({ min: 0, max: 1_000_000 }).map((words) => words * 4),
  usage: constantFrom(...Object.values(USAGES)),
  isMapped: boolean(),
  acts: array(constantFrom("destroy", "map", "unmap", "write", "release"), { maxLength: 5 }),
});

class Program {
  readonly stream: GuestStream;
  readonly #released = new Set<Made>();

  constructor(stream: GuestStream) {
    this.stream = stream;
  }

  live({ make, size, usage, isMapped, acts }: Life): void {
    const { writer } = this.stream;
    if (make === "surface") {
      this.#present(size);
      return;
    }
    const ref = this.#make(make, size, usage, isMapped);
    for (const act of acts) {
      if (this.#released.has(ref)) return;
      if (act === "release") {
        writeRelease(writer, ref.kind, ref);
        this.#released.add(ref);
      } else if (act === "destroy") {
        this.#destroy(ref);
      } else if (ref.kind === ObjectKind.GPUBuffer) {
        this.#useBuffer(act, ref);
      }
    }
  }

  #make(what: Life["make"], size: number, usage: number, isMapped: boolean): Made {
    const { stream } = this;
    const { writer } = stream;
    if (what === "buffer") {
      const buffer = stream.make("GPUBuffer");
      writeDeviceCreateBuffer(writer, buffer, { size, usage, mappedAtCreation: isMapped });
      return buffer;
    }
    if (what === "texture") {
      const texture = stream.make("GPUTexture");
      const extent = { width: (size % 2048) + 1, height: 1024 };
      const descriptor = { size: extent, format: "rgba8unorm", usage: RENDER_ATTACHMENT } as const;
      writeDeviceCreateTexture(writer, texture, descriptor);
      return texture;
    }
    if (what === "query set") {
      const set = stream.make("GPUQuerySet");
      writeDeviceCreateQuerySet(writer, set, { type: "occlusion", count: size % 5000 });
      return set;
    }
    const module = stream.make("GPUShaderModule");
    writeDeviceCreateShaderModule(writer, module, { code: " ".repeat(size % 3000) });
    return module;
  }

  #destroy(ref: Made): void {
    const { writer } = this.stream;
    if (ref.kind === ObjectKind.GPUBuffer) writeBufferDestroy(writer, ref);
    if (ref.kind === ObjectKind.GPUTexture) writeTextureDestroy(writer, ref);
    if (ref.kind === ObjectKind.GPUQuerySet) writeQuerySetDestroy(writer, ref);
  }

  #useBuffer(act: "map" | "unmap" | "write", buffer: Ref<"GPUBuffer">): void {
    const { stream } = this;
    const { writer } = stream;
    if (act === "map") writeBufferMapAsync(writer, stream.request(), buffer, MAP_READ, 0);
    if (act === "unmap") writeBufferUnmap(writer, buffer, [], new Uint8Array());
    // For a buffer that is mapped for writing, this makes a decoy.
    if (act === "write") writeQueueWriteBuffer(writer, buffer, 0, new Uint8Array(4));
  }

  #present(size: number): void {
    const { stream } = this;
    const { writer } = stream;
    const surface = stream.make("Surface");
    writeSurfaceCreate(writer, surface);
    const configuration = { format: "bgra8unorm" } as const;
    writeSurfaceConfigure(writer, surface, (size % 512) + 1, 256, configuration);
    writeSurfaceGetCurrentTexture(writer, surface, stream.make("GPUTexture"));
    if (size % 8 === 0) writeSurfacePresent(writer, surface);
    if (size % 12 === 0) writeRelease(writer, surface.kind, surface);
  }
}

type Life = {
  readonly make: "buffer" | "texture" | "query set" | "module" | "surface";
  readonly size: number;
  readonly usage: number;
  readonly isMapped: boolean;
  readonly acts: readonly ("destroy" | "map" | "unmap" | "write" | "release")[];
};

test("whatever a program does in whatever order, what it holds stays in the quota and ends at nothing", async () => {
  const end = constantFrom("destroys its device", "releases its device", "goes");
  await assert(
    asyncProperty(array(life, { maxLength: 25 }), end, async (lives, how) => {
      const bounds = { ...DEFAULT_BOUNDS, gpuMemoryMb: 16, mappedMemoryMb: 8 };
      const budget = new SessionBudget(bounds);
      using stream = new GuestStream(gpu, budget);
      const device = await stream.device();
      const program = new Program(stream);
      for (const each of lives) {
        program.live(each);
        await stream.send();
        for (const { used, quota } of [budget.gpuMemory, budget.hostMemory]) {
          expect(used).toBeGreaterThanOrEqual(0);
          expect(used).toBeLessThanOrEqual(quota);
        }
      }
      await stream.ask((request) => writeQueueOnSubmittedWorkDone(stream.writer, request));
      if (how === "destroys its device") writeDeviceDestroy(stream.writer);
      if (how === "releases its device") writeRelease(stream.writer, device.kind, device);
      await stream.send();
      if (how === "goes") stream.replayer.close();
      expect([budget.gpuMemory.used, budget.hostMemory.used]).toEqual([0, 0]);
      // What comes later gives nothing back a second time.
      for (const picture of stream.pictures.presented) picture.destroy();
      stream.replayer.close();
      stream.replayer.close();
      expect([budget.gpuMemory.used, budget.hostMemory.used]).toEqual([0, 0]);
      expect(budget.objects.all.used).toBe(0);
    }),
    { numRuns: 200 },
  );
}, 120_000);
