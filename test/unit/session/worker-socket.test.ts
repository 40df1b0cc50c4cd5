import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CONTROL_CONNECTION,
  MAX_UNDECIDED_DIALS,
  MAX_VAIN_DIALS_PER_SECOND,
  NONCE_BYTES,
  WorkerSocket,
} from "#server/session/worker-socket.ts";
import { dial } from "#server/worker/dial.ts";

const NONCE = Buffer.alloc(NONCE_BYTES, 7);
const NEVER = new AbortController().signal;

let folder: string;
let socket: WorkerSocket;
let now: number;
let flood: string | undefined;
const dialled: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-socket-"));
  now = 0;
  flood = undefined;
  socket = await WorkerSocket.listen(path.join(folder, "worker.sock"), NONCE, () => now);
  void (async () => {
    flood = await socket.flooded;
  })();
});

afterEach(async () => {
  for (const each of dialled.splice(0)) each.destroy();
  socket.close();
  await rm(folder, { recursive: true });
});

/** Dials for a connection and, where nobody waits for it, sees the socket closed. */
async function dialInVain(nonce: Uint8Array = NONCE, connection = 9): Promise<void> {
  const vain = await dial(socket.path, nonce, connection);
  vain.on("error", () => {});
  await once(vain.resume(), "close");
}

/** A worker that is waited for is heard. */
async function isHeard(): Promise<boolean> {
  const expected = socket.expect(CONTROL_CONNECTION, NEVER);
  dialled.push(await dial(socket.path, NONCE, CONTROL_CONNECTION), await expected);
  return true;
}

describe("a dial", () => {
  test.for([
    { what: "that is waited for is taken", nonce: NONCE, connection: 1, isTaken: true },
    { what: "for another connection is not", nonce: NONCE, connection: 2, isTaken: false },
    {
      what: "with another nonce is not",
      nonce: Buffer.alloc(NONCE_BYTES),
      connection: 1,
      isTaken: false,
    },
  ])("$what", async ({ nonce, connection, isTaken }) => {
    let taken = false;
    const end = new AbortController();
    const expected = socket.expect(1, end.signal);
    const taking = (async () => {
      (await expected.catch(() => undefined))?.destroy();
      taken = !end.signal.aborted;
    })();
    await dialInVain(nonce, connection);
    end.abort(new Error("Over."));
    await taking;
    expect(taken).toBe(isTaken);
  });
});

describe("a worker that floods", () => {
  test("may dial in vain so often a second, and not once more", async () => {
    for (let count = 0; count < MAX_VAIN_DIALS_PER_SECOND; count++) await dialInVain();
    now = 1000;
    for (let count = 0; count < MAX_VAIN_DIALS_PER_SECOND; count++) await dialInVain();
    expect(await isHeard()).toBe(true);
    expect(flood).toBeUndefined();
    await dialInVain();
    expect(await socket.flooded).toBe("It dialled over 64 times in a second in vain.");
    await expect(dial(socket.path, NONCE, 9)).rejects.toThrow(/ECONNREFUSED|ENOENT/);
  });

  test("may hold so many sockets that say nothing, and not one more", async () => {
    for (let count = 0; count < MAX_UNDECIDED_DIALS; count++) {
      const silent = connect(socket.path).on("error", () => {});
      dialled.push(silent);
      await once(silent, "connect");
    }
    const taken = socket.expect(CONTROL_CONNECTION, NEVER);
    dialled.push(connect(socket.path).on("error", () => {}));
    expect(await socket.flooded).toBe("It opened over 128 sockets that say nothing.");
    void taken.catch(() => {});
  });
});
