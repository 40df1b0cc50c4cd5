import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { BufferCollector } from "#server/ingress/buffer-collector.ts";
import { GuestLink, MAX_HELD_WITH_INPUT } from "#server/ingress/guest-link.ts";
import { ResumableCarrier } from "#server/ingress/resumable-carrier.ts";
import { Connection } from "#server/session/connection.ts";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import { formatControl } from "#shared/link/control.ts";
import { CHUNK_COST_BYTES } from "#shared/link/send-buffer.ts";
import { DownFrame, FRAME_HEADER_BYTES, frame, FrameReader } from "#shared/wire/frames.ts";
import { MAX_FRAME_BYTES } from "#shared/wire/limits.ts";

// A link whose relay acknowledges nothing, so that all that goes down is held.

let relays: WebSocketServer;
let workers: Server;
let relay: WebSocket;
let worker: Socket;

beforeEach(async () => {
  relays = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  workers = createServer();
  workers.listen(0, "127.0.0.1");
  await Promise.all([once(relays, "listening"), once(workers, "listening")]);
});

afterEach(() => {
  relay.terminate();
  worker.destroy();
  relays.close();
  workers.close();
});

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address !== "object" || address === null || !("port" in address)) throw new Error("?");
  return Number(address.port);
}

/** The worker has said welcome. `inputs` are the types of the events that the relay got. */
async function welcomedLink() {
  const accepted = new Promise<WebSocket>((resolve) => relays.once("connection", resolve));
  const dialled = new Promise<Socket>((resolve) => workers.once("connection", resolve));
  relay = new WebSocket(`ws://127.0.0.1:${portOf(relays)}`);
  const data = connect(portOf(workers), "127.0.0.1");
  const [ws] = await Promise.all([accepted, once(relay, "open")]);
  worker = await dialled;
  const inputs: string[] = [];
  const frames = new FrameReader();
  let received = 0;
  relay.on("message", (bytes: Buffer, isBinary) => {
    if (!isBinary) return;
    received += bytes.length;
    for (const { kind, payload } of frames.push(bytes)) {
      if (kind === DownFrame.input) inputs.push(decodeInput(payload).type);
    }
  });
  const welcome = Promise.withResolvers<void>();
  const session = {
    welcomed: () => welcome.resolve(),
    programAway: () => {},
    programBack: () => {},
    release: () => {},
    workerFault: () => {},
  };
  let carrier: ResumableCarrier | undefined;
  const connection = new Connection(1, data, 16);
  GuestLink.join(
    (events) => {
      const options = { id: "id", resumeMs: 60_000, events, makeRoom: () => {}, forget: () => {} };
      carrier = new ResumableCarrier(ws, options);
      return carrier;
    },
    connection,
    {
      session,
      collector: new BufferCollector(),
      rate: new TokenBucket(1000, 1000),
      recording: undefined,
    },
  );
  worker.write(frame(DownFrame.welcome, new Uint8Array(0)));
  await welcome.promise;
  const { link } = connection;
  if (link === undefined || carrier === undefined) throw new Error("The link was not attached.");
  const acknowledge = () => relay.send(formatControl({ type: "ack", count: received }));
  return { connection, link, carrier, inputs, acknowledge };
}

test("input is sent while as much is held as the limit, and dropped while one byte more is", async () => {
  const { connection, link, carrier, inputs, acknowledge } = await welcomedLink();
  const send = (payload: number) => link.send(DownFrame.resize, new Uint8Array(payload));
  const input = (type: "keydown" | "keyup") =>
    link.sendInput(encodeInput({ type, code: "KeyA", key: "a", repeat: false, modifiers: 0 }));
  const overhead = FRAME_HEADER_BYTES + CHUNK_COST_BYTES;
  while (MAX_HELD_WITH_INPUT - carrier.held > MAX_FRAME_BYTES + 2 * overhead) send(MAX_FRAME_BYTES);
  send(MAX_HELD_WITH_INPUT - carrier.held - overhead);
  expect(carrier.held).toBe(MAX_HELD_WITH_INPUT);
  input("keydown"); // It is held as well, and takes the link over the limit.
  expect(carrier.held).toBeGreaterThan(MAX_HELD_WITH_INPUT);
  const { held } = carrier;
  input("keyup");
  expect(carrier.held).toBe(held);
  // Once there is room again, the program lets go of everything: what was dropped may have been a release.
  await expect.poll(() => inputs).toEqual(["keydown"]);
  acknowledge();
  await expect.poll(() => carrier.held).toBe(0);
  input("keydown");
  await expect.poll(() => inputs).toEqual(["keydown", "blur", "keydown"]);
  connection.end("Done.");
});
