import { expect, test } from "vitest";
import { DownFrame, FrameReader } from "#shared/wire/frames.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, type Reply } from "#shared/wire/replies.ts";
import { readWireVector } from "#test/support/wire-vector.ts";
import { StartedWorker } from "./started-worker.ts";

const vector = await readWireVector("session-example.txt");

/** The replies among bytes that go down. */
function repliesOf(bytes: Uint8Array): Reply[] {
  const replies: Reply[] = [];
  const noPayload = {
    takePayload: (): Uint8Array => {
      throw new Error("The vector stages nothing.");
    },
  };
  for (const { kind, payload } of new FrameReader().push(bytes)) {
    if (kind !== DownFrame.replies) continue;
    const reader = new Reader(payload);
    while (reader.remaining > 0) replies.push(readReply(reader, noPayload));
  }
  return replies;
}

/** What an adapter has differs from machine to machine; the other answers are the same everywhere. */
function fixed(replies: readonly Reply[]): Reply[] {
  return replies.filter(({ kind }) => kind === "errorScope" || kind === "mapped");
}

test("a worker takes the session that the document shows, and answers as it shows", async () => {
  await using host = await StartedWorker.start();
  const guest = await host.connect(1);
  const shown: Reply[] = [];
  for (const { way, bytes } of vector.parts) {
    if (way === "up") guest.socket.write(bytes);
    else {
      const replies = repliesOf(bytes);
      await Promise.all(replies.map(({ kind }) => guest.reply((each) => each.kind === kind)));
      shown.push(...replies);
    }
  }
  await host.message(({ type }) => type === "frameFinished");
  guest.socket.end();
  const end = await host.message(({ type }) => type === "connectionEnded");
  expect(end).toMatchObject({ reason: "The program closed the connection." });
  expect(guest.refusals).toEqual([]);
  expect(guest.replies).toHaveLength(shown.length);
  expect(fixed(shown)).toHaveLength(2);
  expect(guest.replies).toEqual(expect.arrayContaining(fixed(shown)));
});
