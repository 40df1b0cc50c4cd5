import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { crc32 } from "node:zlib";
import { readWorkerEnvironment } from "#server/worker/env.ts";
import { ControlReader, encodeControl } from "#server/worker/control-frames.ts";
import { CONTROL_CONNECTION, dial } from "#server/worker/dial.ts";
import { MediaSocket } from "#server/worker/media-socket.ts";
import { ToGateway } from "#server/worker/messages.ts";
import { DownFrame, frame, FrameReader, UpFrame } from "#shared/wire/frames.ts";
import { type Deed, readTotal } from "./scripted-guest.ts";

// A worker process that its guest has taken over: it speaks the worker's contract, and does what the
// commands frames of its guest tell it in JSON. The gateway tests use it to see one misbehave.

const { workerSocket, workerNonce, mediaSocket, mediaNonce } = readWorkerEnvironment();
const control = await dial(workerSocket, workerNonce, CONTROL_CONNECTION);
const say = (message: ToGateway) => control.write(encodeControl(message));
control.on("close", () => process.kill(process.pid, "SIGKILL"));

let media: Promise<Socket> | undefined;
const taken: Buffer[] = [];
const messages = new ControlReader();
const bounds: unknown[] = [];
control.on("data", (chunk) => {
  for (const message of messages.push(chunk)) {
    if (typeof message !== "object" || message === null || !("type" in message)) continue;
    if (message.type === "shutdown") process.kill(process.pid, "SIGTERM");
    if (message.type === "bounds" && "bounds" in message) bounds.push(message.bounds);
    if (message.type === "open" && "connection" in message) void serve(Number(message.connection));
  }
});
say({ type: "ready", adapter: "scripted", isSoftware: true, encoder: "none" });

async function serve(connection: number): Promise<void> {
  const data = await dial(workerSocket, workerNonce, connection);
  data.on("error", () => data.destroy());
  const frames = new FrameReader();
  let checksum = 0;
  let total = 0;
  let received = 0;
  const reply = (value: object) =>
    data.write(frame(DownFrame.replies, Buffer.from(JSON.stringify(value))));
  data.on("data", (chunk) => {
    for (const { kind, payload } of frames.push(chunk)) {
      if (kind === UpFrame.hello) data.write(frame(DownFrame.welcome, payload));
      if (kind === UpFrame.payloadBegin) total = readTotal(payload);
      if (kind === UpFrame.payloadChunk) {
        checksum = crc32(payload, checksum);
        received += payload.length;
        if (received === total) reply({ received, crc32: checksum });
      }
      if (kind === UpFrame.commands) perform(JSON.parse(Buffer.from(payload).toString()));
    }
  });
  data.on("end", () => {
    data.end();
    say({ type: "connectionEnded", connection, reason: "The program closed the connection." });
  });

  function perform(deed: Deed): void {
    switch (deed.do) {
      case "say":
        control.write(encodeControl({ connection, ...deed.message }));
        break;
      case "sayBytes":
        control.write(Buffer.from(deed.hex, "hex"));
        break;
      case "sayOften":
        for (let count = 0; count < deed.times; count++) {
          say({ type: "animation", connection, running: false });
        }
        break;
      case "sayMuch":
        for (let sent = 0; sent < deed.bytes; sent += 4096) {
          say({ type: "connectionEnded", connection: 1, reason: "x".repeat(4096) });
        }
        break;
      case "dialOften":
        for (let count = 0; count < deed.times; count++) void dial(workerSocket, workerNonce, 4000);
        break;
      case "dialBytes":
        connect(workerSocket)
          .on("error", () => {})
          .end(Buffer.from(deed.hex, "hex"));
        break;
      case "printOften":
        for (let count = 0; count < deed.lines; count++) console.error("x".repeat(1000));
        break;
      case "sendMedia":
        void sendMedia(Buffer.from(deed.hex, "hex"), deed.times);
        break;
      case "tellBitrates":
        void MediaSocket.connect(mediaSocket, mediaNonce, {
          bitrate: (bitrate) => void reply({ bitrate }),
          keyFrame: () => {},
          drained: () => {},
          closed: () => {},
        });
        break;
      case "sendFrame":
        data.write(frame(deed.kind, Buffer.from(deed.text)));
        break;
      case "sendBytes":
        data.write(Buffer.from(deed.hex, "hex"));
        break;
      case "flood":
        for (let sent = 0; sent < deed.frames; sent++) {
          data.write(frame(DownFrame.payloadChunk, Buffer.alloc(deed.bytes, sent)));
        }
        break;
      case "trickle":
        void trickle(data, deed.frames);
        break;
      case "goOn":
        data.removeAllListeners("end").on("close", () => console.error("cut off"));
        void trickle(data, Infinity);
        break;
      case "die":
        process.kill(process.pid, deed.signal);
        break;
      case "hang":
        process.stderr.write("hanging\n");
        for (;;);
      case "takeMemory":
        taken.push(Buffer.alloc(deed.bytes, 1));
        break;
      case "tellPid":
        reply({ pid: process.pid, socket: workerSocket });
        break;
      case "tellBounds":
        reply({ bounds });
        break;
      case "hangUp":
        data.end();
        break;
      default:
        deed satisfies never;
    }
  }
}

async function dialMedia(): Promise<Socket> {
  const socket = connect(mediaSocket);
  await once(socket, "connect");
  socket.on("error", () => socket.destroy()).write(mediaNonce);
  return socket;
}

async function sendMedia(bytes: Buffer, times: number): Promise<void> {
  media ??= dialMedia(); // Its nonce opens one.
  const socket = await media;
  for (let count = 0; count < times; count++) socket.write(bytes);
}

async function trickle(data: Socket, frames: number): Promise<void> {
  const empty = frame(DownFrame.payloadChunk, Buffer.alloc(0));
  const many = Buffer.concat(Array.from({ length: 10_000 }, () => empty));
  for (let sent = 0; sent < frames; sent += 10_000) {
    if (!data.write(many)) await once(data, "drain");
  }
}
