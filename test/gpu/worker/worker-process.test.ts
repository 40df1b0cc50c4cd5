import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import {
  writeAnimation,
  writeBufferMapAsync,
  writeDeviceCreateBuffer,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeEndFrame,
  writeQueueWriteBuffer,
} from "#shared/wire/gen/write-commands.ts";
import { OPCODE_COUNT } from "#shared/wire/gen/numbers.ts";
import { MAX_ANIMATION_CHANGES_PER_SECOND, MAX_PAYLOAD_BYTES } from "#shared/wire/limits.ts";
import { StartedWorker, type SocketGuest } from "./started-worker.ts";

const MAP_READ = 1;
const COPY_DST = 8;

let host: StartedWorker;
let lastConnection = 0;

beforeAll(async () => {
  host = await StartedWorker.start();
}, 30_000);
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

async function connect(): Promise<SocketGuest> {
  const guest = await host.connect(++lastConnection);
  guest.hello();
  await guest.welcome;
  return guest;
}

/** Writes bytes to a buffer and maps them for reading. */
async function roundTrip(guest: SocketGuest): Promise<number[]> {
  await guest.device();
  const buffer = guest.make("GPUBuffer");
  writeDeviceCreateBuffer(guest.writer, buffer, { size: 8, usage: MAP_READ | COPY_DST });
  writeQueueWriteBuffer(guest.writer, buffer, 0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const reply = await guest.ask((request) =>
    writeBufferMapAsync(guest.writer, request, buffer, MAP_READ, 0),
  );
  return reply.kind === "mapped" ? [...reply.data] : [];
}

test("the worker says what it found", () => {
  expect(host.worker.ready).toMatchObject({
    adapter: expect.stringMatching(/SwiftShader/),
    isSoftware: true,
    encoder: expect.stringMatching(/./),
  });
});

test("a program is welcomed and gets its numbers back", async () => {
  const guest = await connect();
  expect(await guest.welcome).toMatchObject({
    connection: lastConnection,
    opcodeCount: OPCODE_COUNT,
    preferredCanvasFormat: "bgra8unorm",
  });
  expect(await roundTrip(guest)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  guest.socket.destroy();
});

test("a program that closes its connection is reported once", async () => {
  const guest = await connect();
  const id = lastConnection;
  guest.socket.end();
  await host.message((message) => message.type === "connectionEnded" && message.connection === id);
  const reports = host.messages.filter(
    (message) => message.type === "connectionEnded" && message.connection === id,
  );
  expect(reports).toEqual([
    { type: "connectionEnded", connection: id, reason: "The program closed the connection." },
  ]);
});

test("a frame is received, then finished, and animation is told", async () => {
  const guest = await connect();
  const id = lastConnection;
  await guest.device();
  writeAnimation(guest.writer, true);
  writeEndFrame(guest.writer, 41);
  writeEndFrame(guest.writer, 42);
  writeEndFrame(guest.writer, 43);
  await guest.send();
  await host.message(
    (message) =>
      message.type === "frameFinished" && message.connection === id && message.tick === 43,
  );
  const told = host.messages.filter(
    (message) => "connection" in message && message.connection === id,
  );
  expect(told[0]).toEqual({ type: "animation", connection: id, running: true });
  for (const tick of [41, 42, 43]) {
    const types = told.filter((message) => "tick" in message && message.tick === tick);
    expect(types.map(({ type }) => type)).toEqual(["frameReceived", "frameFinished"]);
  }
  // The third is not received before the first is finished.
  const order = told.map((message) => `${message.type} ${"tick" in message ? message.tick : ""}`);
  expect(order.indexOf("frameReceived 43")).toBeGreaterThan(order.indexOf("frameFinished 41"));
  guest.socket.destroy();
});

test("a program that begins and ends to animate without end is ended, and costs no other", async () => {
  const other = await connect();
  const guest = await connect();
  const id = lastConnection;
  const changes = (count: number): void => {
    for (let change = 0; change < count; change++) writeAnimation(guest.writer, change % 2 === 0);
  };
  changes(MAX_ANIMATION_CHANGES_PER_SECOND);
  await guest.send();
  const said = (): number =>
    host.messages.filter((message) => message.type === "animation" && message.connection === id)
      .length;
  await host.message(() => said() === MAX_ANIMATION_CHANGES_PER_SECOND);
  expect(guest.refusals).toEqual([]);
  const closed = once(guest.socket, "end");
  // Telling the same again changes nothing and costs nothing.
  for (let same = 0; same < 1000; same++) writeAnimation(guest.writer, false);
  changes(2 * MAX_ANIMATION_CHANGES_PER_SECOND);
  await guest.send();
  await closed;
  expect(guest.refusals).toEqual([expect.stringMatching(/over 240 times in a second/)]);
  expect(await roundTrip(other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  other.socket.destroy();
});

/** The payload of a payloadBegin frame. */
function total(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

describe("a stream that breaks the protocol", () => {
  test.for([
    {
      what: "anything before the hello",
      greets: false,
      bytes: frame(UpFrame.commands, Uint8Array.of(0)),
      says: /begins with a frame of kind 2, not a hello/,
    },
    {
      what: "a hello of a stranger",
      greets: false,
      bytes: frame(UpFrame.hello, Buffer.from("GET / HTTP/1.1")),
      says: /this is no guest/,
    },
    {
      what: "a frame kind that is not known",
      greets: true,
      bytes: frame(99, Uint8Array.of(1, 2, 3)),
      says: /frame of kind 99/,
    },
    {
      what: "an opcode that is not known",
      greets: true,
      bytes: frame(UpFrame.commands, Uint8Array.of(0xff, 0x7f)),
      says: /opcode/,
    },
    {
      what: "a frame that is too long",
      greets: true,
      bytes: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 2),
      says: /4294967295 bytes.*over the limit/,
    },
    {
      what: "a payload that is too long",
      greets: true,
      bytes: frame(UpFrame.payloadBegin, total(MAX_PAYLOAD_BYTES + 1)),
      says: new RegExp(`${MAX_PAYLOAD_BYTES + 1} bytes`),
    },
    {
      what: "a payload's length that is no number",
      greets: true,
      bytes: frame(UpFrame.payloadBegin, total(Number.NaN)),
      says: /NaN bytes/,
    },
    {
      what: "a chunk of no payload",
      greets: true,
      bytes: frame(UpFrame.payloadChunk, Uint8Array.of(1)),
      says: /belongs to no payload/,
    },
  ])(
    "ends with a sentence, and costs no other connection: $what",
    async ({ greets, bytes, says }) => {
      const other = await connect();
      const guest = await host.connect(++lastConnection);
      const id = lastConnection;
      if (greets) guest.hello();
      const closed = once(guest.socket, "end");
      guest.socket.write(bytes);
      await closed;
      expect(guest.refusals).toEqual([expect.stringMatching(says)]);
      const report = await host.message(
        (message) => message.type === "connectionEnded" && message.connection === id,
      );
      expect(report).toMatchObject({ reason: guest.refusals[0] });
      expect(await roundTrip(other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      other.socket.destroy();
    },
  );
});

test("connections have objects and error scopes of their own", async () => {
  const [first, second] = [await connect(), await connect()];
  await first.device();
  await second.device();
  writeDevicePushErrorScope(first.writer, "validation");
  await first.send();
  writeDevicePushErrorScope(second.writer, "validation");
  writeDeviceCreateBuffer(second.writer, second.make("GPUBuffer"), { size: 4, usage: 0 });
  const caught = await second.ask((request) => writeDevicePopErrorScope(second.writer, request));
  const none = await first.ask((request) => writeDevicePopErrorScope(first.writer, request));
  expect(caught).toMatchObject({ kind: "errorScope", error: { type: "validation" } });
  expect(none).toMatchObject({ kind: "errorScope", error: null });
  first.socket.destroy();
  second.socket.destroy();
});

test("a worker that is asked to stop ends by itself, and complains of nothing", async () => {
  const started = await StartedWorker.start();
  const guest = await started.connect(1);
  guest.hello();
  expect(await roundTrip(guest)).toHaveLength(8);
  started.worker.send({ type: "shutdown" });
  // Its control socket closes a moment before the process is gone: whichever is seen first.
  expect(await started.ended).toMatch(/exit code 0|closed its control socket/);
  expect(started.output).toEqual([]);
  await started[Symbol.asyncDispose]();
}, 30_000);
