import { expect, test } from "vitest";
import {
  MAX_CONTROL_BYTES_PER_SECOND,
  MAX_CONTROL_MESSAGES_PER_SECOND,
  MAX_UNREAD_CONTROL_BYTES,
  sendControl,
  WorkerMessages,
} from "#server/session/control-channel.ts";
import { encodeControl } from "#server/worker/control-frames.ts";
import {
  MAX_CONTROL_BYTES,
  MAX_LEG_SAMPLES,
  MAX_STAGES,
  type ToGateway,
} from "#server/worker/messages.ts";

const animation: ToGateway = { type: "animation", connection: 1, running: true };

test("messages are read however their bytes are cut", () => {
  const bytes = Buffer.concat([encodeControl(animation), encodeControl(animation)]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new WorkerMessages();
    const read = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    expect(read).toEqual([animation, animation]);
  }
});

const padded = (bytes: number) => {
  const empty = encodeControl({ type: "stats", stages: {}, pad: "" }).length - 4;
  return encodeControl({ type: "stats", stages: {}, pad: "x".repeat(bytes - empty) });
};

test("a message may be as long as the limit, and not one byte longer", () => {
  expect([...new WorkerMessages().push(padded(MAX_CONTROL_BYTES))]).toHaveLength(1);
  expect(() => [...new WorkerMessages().push(padded(MAX_CONTROL_BYTES + 1))]).toThrow(
    `A control message (${MAX_CONTROL_BYTES + 1} bytes) is over the limit`,
  );
});

test("a second holds the limit of messages, and not one more; the next second holds as many", () => {
  let now = 0;
  const reader = new WorkerMessages(() => now);
  const message = encodeControl(animation);
  const second = Buffer.concat(Array(MAX_CONTROL_MESSAGES_PER_SECOND).fill(message));
  expect([...reader.push(second)]).toHaveLength(MAX_CONTROL_MESSAGES_PER_SECOND);
  now = 1_000;
  expect([...reader.push(second)]).toHaveLength(MAX_CONTROL_MESSAGES_PER_SECOND);
  expect(() => [...reader.push(message)]).toThrow("More than 20000 control messages");
});

test("a second holds the limit of bytes, and not one more; the next second holds as many", () => {
  let now = 0;
  const reader = new WorkerMessages(() => now);
  const long = padded(MAX_CONTROL_BYTES - 4); // With its length, a whole fraction of the limit.
  const count = MAX_CONTROL_BYTES_PER_SECOND / long.length;
  for (const second of [0, 1_000]) {
    now = second;
    for (let sent = 0; sent < count; sent++) expect([...reader.push(long)]).toHaveLength(1);
  }
  expect(() => [...reader.push(Buffer.of(0))]).toThrow(
    "More than 4194304 bytes of control messages came within a second.",
  );
});

const report = (count: number) => {
  const stages = Object.fromEntries(Array.from({ length: count }, (_, at) => [`stage_${at}`, 1]));
  return encodeControl({ type: "stats", stages });
};

test("a report has as many figures as the limit, and not one more", () => {
  expect([...new WorkerMessages().push(report(MAX_STAGES))]).toHaveLength(1);
  expect(() => [...new WorkerMessages().push(report(MAX_STAGES + 1))]).toThrow("over 64 figures");
});

test("what a session holds of memory and objects is read", () => {
  const memory: ToGateway = { type: "memory", gpuBytes: 2 ** 40, hostBytes: 1, objects: 3 };
  expect([...new WorkerMessages().push(encodeControl(memory))]).toEqual([memory]);
});

const legs = (times: readonly number[]) => ({
  type: "stats",
  stages: {},
  legs: { encode: times },
});

test("a report may tell as many frames' times as the limit", () => {
  const message = encodeControl(legs(Array(MAX_LEG_SAMPLES).fill(1)));
  expect([...new WorkerMessages().push(message)]).toHaveLength(1);
});

test.for([
  { why: "tells one frame more than the limit", message: legs(Array(MAX_LEG_SAMPLES + 1).fill(1)) },
  { why: "tells a time before its start", message: legs([-1]) },
  { why: "names a leg that is not known", message: { ...legs([]), legs: { walk: [1] } } },
  { why: "is unknown", message: { type: "exec", command: "sh" } },
  { why: "names connection 0", message: { ...animation, connection: 0 } },
  { why: "names a connection over 32 bits", message: { ...animation, connection: 2 ** 32 } },
  {
    why: "has a tick that is no number",
    message: { type: "frameFinished", connection: 1, tick: "1" },
  },
  {
    why: "holds less than nothing",
    message: { type: "memory", gpuBytes: -1, hostBytes: 0, objects: 0 },
  },
  {
    why: "holds more bytes than a number counts",
    message: { type: "memory", gpuBytes: 0, hostBytes: 2 ** 53, objects: 0 },
  },
  {
    why: "has too long a reason",
    message: { type: "connectionEnded", connection: 1, reason: "x".repeat(4097) },
  },
])("a message that $why is a fault", ({ message }) => {
  expect(() => [...new WorkerMessages().push(encodeControl(message))]).toThrow(
    /A control message is none of those known/,
  );
});

test("a worker may leave the limit unread, and not one byte more", () => {
  const written: (string | Uint8Array)[] = [];
  const socket = {
    writableLength: MAX_UNREAD_CONTROL_BYTES,
    write: (bytes: string | Uint8Array) => written.push(bytes) > 0,
  };
  sendControl(socket, { type: "shutdown" });
  expect(written).toHaveLength(1);
  socket.writableLength++;
  expect(() => sendControl(socket, { type: "shutdown" })).toThrow(
    "The worker left 1048577 bytes of control messages unread.",
  );
});

const pictureHash = (hash: object) => {
  const right = { number: 1, surface: 1, width: 16_384, height: 1, format: "bgra8unorm" };
  const sha256 = "ab".repeat(32);
  return encodeControl({
    type: "pictureHash",
    connection: 1,
    hash: { ...right, sha256, ...hash },
  });
};

test("a picture's hash is read, and nothing that is none", () => {
  expect([...new WorkerMessages().push(pictureHash({}))]).toHaveLength(1);
  for (const wrong of [{ width: 16_385 }, { number: 0 }, { sha256: "ab" }, { format: "r8unorm" }]) {
    expect(() => [...new WorkerMessages().push(pictureHash(wrong))]).toThrow(
      `hash.${Object.keys(wrong)[0]}`,
    );
  }
});
