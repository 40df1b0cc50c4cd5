import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AccessUnit } from "#server/media/access-unit-reader.ts";
import type { WorkerLink } from "#server/media/media-session.ts";
import { ACCESS_UNIT_HEADER_BYTES, MediaRequest } from "#server/media/messages.ts";
import {
  MAX_PATH_BYTES,
  MAX_UNDECIDED_DIALS,
  MAX_UNREAD_BYTES,
  MAX_VAIN_DIALS_PER_SECOND,
  type WorkerEvents,
  WorkerPort,
} from "#server/media/worker-port.ts";

const NONCE = "0123456789abcdef".repeat(4);
const SLICE = Buffer.of(0, 0, 0, 1, 0x41, 154, 2);

let folder: string;
let socketPath: string;
let now: number;
let worker: Recorder;
const sockets: Socket[] = [];
const ports: WorkerPort[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "port-"));
  socketPath = path.join(folder, "media.sock");
  now = 0;
  worker = new Recorder();
  await listen();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const port of ports.splice(0)) port.close();
  await rm(folder, { recursive: true });
});

async function listen(events: WorkerEvents = worker, at = socketPath): Promise<WorkerPort> {
  const port = await WorkerPort.listen({ socketPath: at, nonce: NONCE, now: () => now }, events);
  ports.push(port);
  return port;
}

function accessUnit(length = SLICE.length): Buffer {
  const header = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header.writeUInt16LE(640, 5);
  header.writeUInt16LE(360, 7);
  header.writeDoubleLE(1, 9);
  return Buffer.concat([header, SLICE]);
}

function dial(...first: Buffer[]): Socket {
  const socket = connect(socketPath).on("error", () => {});
  sockets.push(socket);
  socket.write(Buffer.concat(first));
  return socket;
}

/** What happened, in order, and a wait for it. */
class Recorder implements WorkerEvents {
  readonly units: AccessUnit[] = [];
  readonly happened: string[] = [];
  link: WorkerLink | undefined;
  #next: (() => void)[] = [];

  connected(link: WorkerLink): void {
    this.link = link;
    this.#add("connected");
  }

  accessUnit(unit: AccessUnit): void {
    this.units.push(unit);
    this.#add("unit");
  }

  fault(reason: string): void {
    this.#add(`fault: ${reason}`);
  }

  gone(): void {
    this.#add("gone");
  }

  async until(count: number): Promise<string[]> {
    while (this.happened.length < count) {
      await new Promise<void>((resolve) => {
        this.#next.push(resolve);
      });
    }
    return this.happened;
  }

  #add(what: string): void {
    this.happened.push(what);
    for (const resolve of this.#next.splice(0)) resolve();
  }
}

test("the socket is this user's alone, and gone with the port", async () => {
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  ports[0]!.close();
  await expect(stat(socketPath)).rejects.toThrow("ENOENT");
});

test("a path as long as a socket's may be is taken, and one byte more refused with a sentence", async () => {
  const longest = path.join(folder, "x".repeat(MAX_PATH_BYTES - Buffer.byteLength(folder) - 1));
  await listen(worker, longest);
  await expect(listen(worker, `${longest}x`)).rejects.toThrow(
    `is over ${MAX_PATH_BYTES} bytes long`,
  );
});

/** Dials and is cut off, which the port has noticed when this resolves. */
async function dialInVain(): Promise<void> {
  await once(dial(Buffer.alloc(32, 0xff)).resume(), "close");
}

describe("a dialler", () => {
  test("with the nonce hands over access units, also those that came with the nonce", async () => {
    const socket = dial(Buffer.from(NONCE, "hex"), accessUnit());
    expect(await worker.until(2)).toEqual(["connected", "unit"]);
    socket.write(accessUnit());
    expect(await worker.until(3)).toEqual(["connected", "unit", "unit"]);
    expect(worker.units[1]).toMatchObject({ width: 640, height: 360, isKeyFrame: false });
  });

  test("may give its nonce byte by byte", async () => {
    const socket = connect(socketPath).on("error", () => {});
    sockets.push(socket);
    for (const byte of Buffer.from(NONCE, "hex")) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    expect(await worker.until(1)).toEqual(["connected"]);
  });

  test("with a wrong nonce is cut off", async () => {
    await once(dial(Buffer.from("ff".repeat(32), "hex"), accessUnit()).resume(), "close");
    expect(worker.happened).toEqual([]);
  });

  test("with a nonce that was used is cut off", async () => {
    dial(Buffer.from(NONCE, "hex"));
    await worker.until(1);
    await once(dial(Buffer.from(NONCE, "hex")).resume(), "close");
    expect(worker.happened).toEqual(["connected"]);
  });

  test(`is heard after ${MAX_VAIN_DIALS_PER_SECOND} dials in vain within a second`, async () => {
    for (let dials = 0; dials < MAX_VAIN_DIALS_PER_SECOND; dials++) await dialInVain();
    dial(Buffer.from(NONCE, "hex"));
    expect(await worker.until(1)).toEqual(["connected"]);
  });

  test("is heard after one more, where time passed", async () => {
    for (let dials = 0; dials < MAX_VAIN_DIALS_PER_SECOND; dials++) await dialInVain();
    now = 1000;
    await dialInVain();
    dial(Buffer.from(NONCE, "hex"));
    expect(await worker.until(1)).toEqual(["connected"]);
  });

  test.for([
    { when: "before it gave its nonce", first: [], says: [] },
    { when: "after it did", first: [Buffer.from(NONCE, "hex")], says: ["connected"] },
  ])("of one more within the second is at fault, $when, and no other port closes", async (row) => {
    const other = new Recorder();
    const elsewhere = path.join(folder, "other.sock");
    await listen(other, elsewhere);
    if (row.first.length > 0) {
      dial(...row.first);
      await worker.until(1);
    }
    for (let dials = 0; dials <= MAX_VAIN_DIALS_PER_SECOND; dials++) await dialInVain();
    const fault = "fault: It dialled its media socket over 64 times in a second in vain.";
    const happened = await worker.until(row.says.length + 1);
    expect(happened.slice(0, row.says.length + 1)).toEqual([...row.says, fault]);
    await expect(once(connect(socketPath), "connect")).rejects.toThrow("ENOENT");
    const socket = connect(elsewhere).on("error", () => {});
    sockets.push(socket);
    socket.write(Buffer.from(NONCE, "hex"));
    expect(await other.until(1)).toEqual(["connected"]);
  });

  test(`may leave ${MAX_UNDECIDED_DIALS} sockets silent, and is at fault with one more`, async () => {
    const silent = Array.from({ length: MAX_UNDECIDED_DIALS - 1 }, () => dial());
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    dial(Buffer.from(NONCE, "hex"));
    expect(await worker.until(1)).toEqual(["connected"]);
    const more = [dial(), dial()];
    await Promise.all([...silent, ...more].map((socket) => once(socket.resume(), "close")));
    expect((await worker.until(2))[1]).toBe(
      "fault: It opened over 32 media sockets that say nothing.",
    );
  });
});

/** Single bytes, written to a socket that nobody reads, before any waits in the process. */
async function bytesThatTheKernelTakes(): Promise<number> {
  const server = createServer();
  server.listen(path.join(folder, "control.sock"));
  await once(server, "listening");
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  sockets.push(connect(path.join(folder, "control.sock")).pause());
  const socket = await accepted;
  sockets.push(socket);
  server.close();
  let written = 0;
  for (; socket.writableLength === 0; written++) socket.write(Buffer.of(0));
  return written - 1;
}

describe("a worker", () => {
  test("is asked for key frames and bitrates", async () => {
    const socket = dial(Buffer.from(NONCE, "hex"));
    await worker.until(1);
    expect(worker.link!.requestKeyFrame()).toBe(true);
    expect(worker.link!.requestBitrate(3_000_000)).toBe(true);
    const received: Buffer[] = [];
    for await (const chunk of socket) {
      received.push(chunk);
      if (Buffer.concat(received).length === 6) break;
    }
    const bytes = Buffer.concat(received);
    expect([bytes.readUInt8(0), bytes.readUInt8(1)]).toEqual([
      MediaRequest.keyFrame,
      MediaRequest.bitrate,
    ]);
    expect(bytes.readUInt32LE(2)).toBe(3_000_000);
  });

  test("that says something wrong is cut off after what it said right", async () => {
    const socket = dial(Buffer.from(NONCE, "hex"), accessUnit(), accessUnit(0)).resume();
    await once(socket, "close");
    const [connected, unit, fault, gone] = await worker.until(4);
    expect([connected, unit, gone]).toEqual(["connected", "unit", "gone"]);
    expect(fault).toContain("length (0 bytes)");
    expect(worker.link!.requestKeyFrame()).toBe(false);
  });

  test("that hangs up is gone", async () => {
    const socket = dial(Buffer.from(NONCE, "hex"));
    await worker.until(1);
    socket.destroy();
    expect(await worker.until(2)).toEqual(["connected", "gone"]);
  });

  test("that does not read is asked until as much waits as the limit and one request, and no more", async () => {
    const kernel = await bytesThatTheKernelTakes();
    dial(Buffer.from(NONCE, "hex")).pause();
    await worker.until(1);
    let asked = 0;
    while (worker.link!.requestKeyFrame() && asked < 2 * (kernel + MAX_UNREAD_BYTES)) asked += 1;
    expect(asked).toBe(kernel + MAX_UNREAD_BYTES + 1);
  });
});
