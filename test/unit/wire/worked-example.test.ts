import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { FrameReader, UpFrame, frame } from "#shared/wire/frames.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { readHello, writeHello } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";
import { readWireVector } from "#test/support/wire-vector.ts";
import type { Values } from "./arbitraries.ts";
import { ROOT, decodeBatch, encodeCommand, loadContext } from "./codec.ts";

// The example of PROTOCOL.md: a program that clears its canvas and draws a triangle.

const { commands } = await loadContext();
const vector = await readWireVector("worked-example.txt");
const bytes = Buffer.concat(vector.parts.map((part) => part.bytes));

const handle = { id: 1, generation: 1 };
const of = (kind: keyof typeof ObjectKind) => ({ kind: ObjectKind[kind], id: 1 });

const SETUP: readonly (readonly [string, Values])[] = [
  ["requestAdapter", { request: 1, handle }],
  ["adapterRequestDevice", { request: 2, adapter: of("GPUAdapter"), handle }],
];

const FRAME: readonly (readonly [string, Values])[] = [
  ["useDevice", { device: of("GPUDevice") }],
  ["deviceCreateBuffer", { handle, descriptor: { label: "corners", size: 24, usage: 0x28 } }],
  [
    "queueWriteBuffer",
    { buffer: of("GPUBuffer"), bufferOffset: 8, data: Uint8Array.of(0, 0, 128, 63) },
  ],
  ["surfaceGetCurrentTexture", { surface: of("Surface"), handle }],
  ["textureCreateView", { texture: of("GPUTexture"), handle }],
  ["deviceCreateCommandEncoder", { handle }],
  [
    "commandEncoderBeginRenderPass",
    {
      handle,
      descriptor: {
        colorAttachments: [
          {
            view: of("GPUTextureView"),
            loadOp: "clear",
            storeOp: "store",
            clearValue: { r: 0, g: 0.5, b: 1, a: 1 },
          },
        ],
      },
    },
  ],
  ["renderPassEncoderSetPipeline", { pipeline: of("GPURenderPipeline") }],
  [
    "renderPassEncoderSetBindGroup",
    { index: 0, bindGroup: of("GPUBindGroup"), dynamicOffsets: [256] },
  ],
  ["renderPassEncoderSetVertexBuffer", { slot: 0, buffer: of("GPUBuffer") }],
  ["renderPassEncoderDraw", { vertexCount: 3 }],
  ["renderPassEncoderEnd", {}],
  ["commandEncoderFinish", { handle }],
  ["queueSubmit", { commandBuffers: [of("GPUCommandBuffer")] }],
  ["release", { kind: ObjectKind.GPUCommandEncoder, handle }],
  ["surfacePresent", { surface: of("Surface") }],
  ["endFrame", { tick: 7 }],
];

function batch(list: readonly (readonly [string, Values])[]): Uint8Array {
  const writer = new Writer();
  for (const [name, values] of list) {
    encodeCommand(
      writer,
      commands.find((each) => each.name === name)!,
      values,
    );
  }
  return frame(UpFrame.commands, writer.take());
}

test("the document shows the vector as it is", async () => {
  const document = await readFile(path.join(ROOT, "shared/wire/PROTOCOL.md"), "utf8");
  expect(document).toContain(vector.text);
});

test("the codec encodes the example to these bytes", () => {
  const hello = new Writer();
  writeHello(hello, "example");
  const stream = [frame(UpFrame.hello, hello.take()), batch(SETUP), batch(FRAME)];
  expect(Buffer.concat(stream).toString("hex")).toBe(bytes.toString("hex"));
});

test("the codec decodes these bytes to the example", () => {
  const decoded: unknown[] = [];
  for (const { kind, payload } of new FrameReader().push(bytes)) {
    if (kind === UpFrame.hello) decoded.push(readHello(new Reader(payload)).client);
    else decoded.push(...decodeBatch(payload).map(([name]) => name));
  }
  expect(decoded).toEqual(["example", ...[...SETUP, ...FRAME].map(([name]) => name)]);
});
