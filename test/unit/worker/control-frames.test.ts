import { expect, test } from "vitest";
import { ControlReader, encodeControl } from "#server/worker/control-frames.ts";
import { MAX_CONTROL_BYTES } from "#server/worker/messages.ts";

const messages = [{ type: "open", connection: 1 }, { type: "shutdown" }, { text: "é".repeat(300) }];

test.for([1, 3, 4, 5, 7, 64, 10_000])("messages survive chunks of %i bytes", (size) => {
  const stream = Buffer.concat(messages.map(encodeControl));
  const reader = new ControlReader();
  const read: unknown[] = [];
  for (let at = 0; at < stream.length; at += size) {
    read.push(...reader.push(stream.subarray(at, at + size)));
  }
  expect(read).toEqual(messages);
});

/** A message of this many bytes as JSON. */
function text(length: number): object {
  return { text: "x".repeat(length - '{"text":""}'.length) };
}

test("a message at the limit is read, and one byte over is refused before it arrives", () => {
  const atLimit = encodeControl(text(MAX_CONTROL_BYTES));
  expect([...new ControlReader().push(atLimit)]).toEqual([text(MAX_CONTROL_BYTES)]);
  const over = encodeControl(text(MAX_CONTROL_BYTES + 1)).subarray(0, 4);
  expect(() => [...new ControlReader().push(over)]).toThrow("over the limit (65536)");
});
