import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AccessUnitReader } from "#server/media/access-unit-reader.ts";
import { monotonicMicroseconds } from "#server/media/clock.ts";
import { MediaRequest, NONCE_BYTES } from "#server/media/messages.ts";
import { MediaSocket } from "#server/worker/media-socket.ts";

const NONCE = new Uint8Array(NONCE_BYTES).fill(7);
const IDR = Uint8Array.of(0, 0, 1, 0x67, 66, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65, 0xb8);

type Event = "keyFrame" | "drained" | number | { closed: string | undefined };

/** A media socket, what it is asked, and the media thread's end of it. */
async function open() {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const server = createServer().listen(path.join(folder, "media"));
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const events: Event[] = [];
  const waiting: (() => void)[] = [];
  const note = (event: Event): void => {
    events.push(event);
    for (const resolve of waiting.splice(0)) resolve();
  };
  const media = await MediaSocket.connect(path.join(folder, "media"), NONCE, {
    keyFrame: () => note("keyFrame"),
    bitrate: (bitsPerSecond) => note(bitsPerSecond),
    drained: () => note("drained"),
    closed: (error) => note({ closed: error?.message }),
  });
  const thread = await accepted;
  onTestFinished(() => void thread.destroy());
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { media, thread, events, until };
}

function bitrate(bitsPerSecond: number): Buffer {
  const bytes = Buffer.of(MediaRequest.bitrate, 0, 0, 0, 0);
  bytes.writeUInt32LE(bitsPerSecond, 1);
  return bytes;
}

test("the nonce comes first, then access units that the media thread reads", async () => {
  const { media, thread } = await open();
  const time = monotonicMicroseconds();
  const sent = [
    { payload: IDR, isKeyFrame: true, width: 1280, height: 720, time },
    {
      payload: Uint8Array.of(0, 0, 1, 0x41, 0x9a),
      isKeyFrame: false,
      width: 2,
      height: 16_384,
      time: time + 1,
    },
  ];
  for (const unit of sent) media.send(unit);
  media.close();
  media.close();
  const chunks: Buffer[] = await thread.toArray();
  const bytes = Buffer.concat(chunks);
  expect(new Uint8Array(bytes.subarray(0, NONCE_BYTES))).toEqual(NONCE);
  const units = [...new AccessUnitReader(monotonicMicroseconds).push(bytes.subarray(NONCE_BYTES))];
  expect(units.map(({ isKeyFrame, width, height }) => ({ isKeyFrame, width, height }))).toEqual(
    sent.map(({ isKeyFrame, width, height }) => ({ isKeyFrame, width, height })),
  );
  expect(units.map(({ capturedAt }) => capturedAt)).toEqual([time, time + 1]);
  expect(units.map(({ bytes: length }) => length)).toEqual(
    sent.map(({ payload }) => payload.length),
  );
});

test("requests arrive whole, however they are cut", async () => {
  const { thread, events, until } = await open();
  const stream = Buffer.concat([
    Buffer.of(MediaRequest.keyFrame),
    bitrate(8_000_000),
    bitrate(0xffff_ffff),
    Buffer.of(MediaRequest.keyFrame),
  ]);
  for (const byte of stream) {
    thread.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  thread.write(stream);
  await until(() => events.length === 8);
  const expected = ["keyFrame", 8_000_000, 0xffff_ffff, "keyFrame"];
  expect(events).toEqual([...expected, ...expected]);
});

test("a request of no known kind ends the socket, and says so", async () => {
  const { media, thread, events, until } = await open();
  thread.write(Buffer.of(9));
  await until(() => events.length > 0);
  expect(events).toEqual([{ closed: "The media thread sent a request of no known kind (9)." }]);
  expect(media.canSend).toBe(false);
});

test("a media thread that does not read stops the encoder until it does", async () => {
  const { media, thread, events, until } = await open();
  thread.pause();
  let sent = 0;
  while (media.canSend) {
    const payload = new Uint8Array(1 << 20);
    media.send({ payload, isKeyFrame: true, width: 16, height: 16, time: sent++ });
    if (sent > 64) throw new Error("64 MiB went to a socket that nobody reads.");
  }
  thread.resume();
  await until(() => events.includes("drained"));
  expect(media.canSend).toBe(true);
});

test("a socket that the media thread closes is reported once", async () => {
  const { media, thread, events, until } = await open();
  thread.end();
  await until(() => events.length > 0);
  media.close();
  expect(events).toEqual([{ closed: undefined }]);
  expect(media.canSend).toBe(false);
});

test("where nobody listens, connecting fails", async () => {
  await expect(
    MediaSocket.connect(path.join(tmpdir(), "heliograph-nobody"), NONCE, {
      keyFrame: () => {},
      bitrate: () => {},
      drained: () => {},
      closed: () => {},
    }),
  ).rejects.toThrow(/ENOENT/);
});
