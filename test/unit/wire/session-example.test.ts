import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { encodeResize } from "#server/session/picture-size.ts";
import { encodeInput } from "#shared/input/codec.ts";
import { DownFrame, FrameReader, UpFrame, frame } from "#shared/wire/frames.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { writeHello, writeWelcome } from "#shared/wire/handshake.ts";
import { type OutgoingReply, writeReply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";
import { readWireVector } from "#test/support/wire-vector.ts";
import type { Values } from "./arbitraries.ts";
import { ROOT, decodeBatch, encodeCommand, loadContext } from "./codec.ts";

// The whole session of PROTOCOL.md, both ways: a buffer is written, copied and read back, and a tick is answered.
// test/gpu/worker/session-example.test.ts plays it to a worker.

const { commands } = await loadContext();
const vector = await readWireVector("session-example.txt");

const first = { id: 1, generation: 1 };
const second = { id: 2, generation: 1 };
const of = (kind: keyof typeof ObjectKind, id = 1) => ({ kind: ObjectKind[kind], id });

type Batch = readonly (readonly [string, Values])[];

const OPEN: Batch = [
  ["requestAdapter", { request: 1, handle: first }],
  ["adapterRequestDevice", { request: 2, adapter: of("GPUAdapter"), handle: first }],
];

const COPY: Batch = [
  ["useDevice", { device: of("GPUDevice") }],
  ["devicePushErrorScope", { filter: "validation" }],
  ["deviceCreateBuffer", { handle: first, descriptor: { size: 8, usage: 12 } }],
  ["deviceCreateBuffer", { handle: second, descriptor: { size: 8, usage: 9 } }],
  [
    "queueWriteBuffer",
    { buffer: of("GPUBuffer"), bufferOffset: 0, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
  ],
  ["deviceCreateCommandEncoder", { handle: first }],
  [
    "commandEncoderCopyBufferToBuffer",
    {
      source: of("GPUBuffer"),
      sourceOffset: 0,
      destination: of("GPUBuffer", 2),
      destinationOffset: 0,
      size: 8,
    },
  ],
  ["commandEncoderFinish", { handle: first }],
  ["queueSubmit", { commandBuffers: [of("GPUCommandBuffer")] }],
  ["release", { kind: ObjectKind.GPUCommandEncoder, handle: first }],
  ["release", { kind: ObjectKind.GPUCommandBuffer, handle: first }],
  ["devicePopErrorScope", { request: 3 }],
  ["bufferMapAsync", { request: 4, buffer: of("GPUBuffer", 2), mode: 1, offset: 0 }],
];

const ANIMATE: Batch = [
  ["bufferUnmap", { buffer: of("GPUBuffer", 2), ranges: [], data: new Uint8Array(0) }],
  ["release", { kind: ObjectKind.GPUBuffer, handle: second }],
  ["animation", { running: true }],
];

const STOP: Batch = [
  ["endFrame", { tick: 1 }],
  ["animation", { running: false }],
];

const OPENED: readonly OutgoingReply[] = [
  {
    kind: "adapter",
    request: 1,
    adapter: {
      features: ["subgroups"],
      limits: { maxBindGroups: 4 },
      info: {
        vendor: "google",
        architecture: "swiftshader",
        device: "",
        description: "",
        subgroupMinSize: 4,
        subgroupMaxSize: 4,
        isFallbackAdapter: true,
      },
      wgslLanguageFeatures: ["subgroup_id"],
    },
  },
  {
    kind: "device",
    request: 2,
    features: ["subgroups"],
    limits: { maxBindGroups: 4 },
  },
];

const COPIED: readonly OutgoingReply[] = [
  { kind: "errorScope", request: 3, error: null },
  { kind: "mapped", request: 4, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
];

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

function batch(list: Batch): Uint8Array {
  return frame(
    UpFrame.commands,
    written((writer) => {
      for (const [name, values] of list) {
        encodeCommand(
          writer,
          commands.find((each) => each.name === name)!,
          values,
        );
      }
    }),
  );
}

function replies(list: readonly OutgoingReply[]): Uint8Array {
  return frame(
    DownFrame.replies,
    written((writer) => {
      for (const reply of list) writeReply(writer, reply);
    }),
  );
}

function hex({ way, bytes }: { way: string; bytes: Uint8Array }): string {
  return `${way} ${Buffer.from(bytes).toString("hex")}`;
}

const SESSION = [
  {
    way: "up",
    frames: [
      frame(
        UpFrame.hello,
        written((writer) => writeHello(writer, "example")),
      ),
    ],
  },
  {
    way: "down",
    frames: [
      frame(
        DownFrame.welcome,
        written((writer) =>
          writeWelcome(writer, {
            wgslLanguageFeatures: ["subgroup_id"],
            preferredCanvasFormat: "bgra8unorm",
            connection: 1,
          }),
        ),
      ),
      frame(DownFrame.resize, encodeResize({ width: 1280, height: 720, devicePixelRatio: 1 })),
    ],
  },
  { way: "up", frames: [batch(OPEN)] },
  { way: "down", frames: [replies(OPENED)] },
  { way: "up", frames: [batch(COPY)] },
  { way: "down", frames: [replies(COPIED)] },
  { way: "up", frames: [batch(ANIMATE)] },
  {
    way: "down",
    frames: [
      frame(DownFrame.tick, Uint8Array.of(1, 0, 0, 0)),
      frame(
        DownFrame.input,
        encodeInput({
          type: "pointerdown",
          x: 0.25,
          y: 0.75,
          button: 0,
          buttons: 1,
          modifiers: 1,
          pointerId: 7,
          pointerType: "mouse",
        }),
      ),
      frame(
        DownFrame.input,
        encodeInput({ type: "keydown", code: "KeyA", key: "a", repeat: false, modifiers: 0 }),
      ),
    ],
  },
  { way: "up", frames: [batch(STOP)] },
] as const;

test("the document shows the session as it is", async () => {
  const document = await readFile(path.join(ROOT, "shared/wire/PROTOCOL.md"), "utf8");
  expect(document).toContain(vector.text);
});

test("both sides encode the session to these bytes", () => {
  const encoded = SESSION.map(({ way, frames }) => ({ way, bytes: Buffer.concat(frames) }));
  expect(vector.parts.map(hex)).toEqual(encoded.map(hex));
});

test("the codec decodes the program's bytes to its commands", () => {
  const decoded: string[] = [];
  const frames = new FrameReader();
  for (const { way, bytes } of vector.parts) {
    if (way === "down") continue;
    for (const { kind, payload } of frames.push(bytes)) {
      if (kind === UpFrame.commands) decoded.push(...decodeBatch(payload).map(([name]) => name));
    }
  }
  expect(decoded).toEqual([...OPEN, ...COPY, ...ANIMATE, ...STOP].map(([name]) => name));
});
