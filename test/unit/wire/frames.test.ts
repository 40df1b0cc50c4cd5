import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DownFrame, FrameReader, UpFrame, frame } from "#shared/wire/frames.ts";

const frames = fc.array(
  fc.record({
    kind: fc.constantFrom(...Object.values(UpFrame), ...Object.values(DownFrame)),
    payload: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 8 },
);

test("frames come out of a stream as they went in, however it is cut", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 })), (sent, sizes) => {
      const stream = Buffer.concat(sent.map(({ kind, payload }) => frame(kind, payload)));
      const reader = new FrameReader();
      const received: unknown[] = [];
      let at = 0;
      for (const size of [...sizes, Math.max(1, stream.length)]) {
        for (const each of reader.push(stream.subarray(at, at + size))) {
          // A payload is valid only until the next step.
          received.push({ kind: each.kind, payload: Uint8Array.from(each.payload) });
        }
        at += size;
      }
      expect(received).toEqual(sent);
    }),
  );
});

test("a frame without a payload is whole with its header's last byte", () => {
  const reader = new FrameReader();
  const bytes = frame(UpFrame.commands, new Uint8Array());
  expect([...reader.push(bytes.subarray(0, 4))]).toEqual([]);
  expect([...reader.push(bytes.subarray(4))]).toEqual([
    { kind: UpFrame.commands, payload: new Uint8Array() },
  ]);
});
