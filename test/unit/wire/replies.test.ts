import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "#shared/wire/errors.ts";
import { ReplyKind } from "#shared/wire/gen/numbers.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, writeReply, type OutgoingReply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const request = uint32;
const features = fc.array(text, { maxLength: 5 });
const limits = fc.dictionary(text, fc.maxSafeNat(), { maxKeys: 5 });
const errorType = fc.constantFrom("validation", "out-of-memory", "internal");
const error = fc.record({ type: errorType, message: text });

const REPLIES: Readonly<Record<OutgoingReply["kind"], fc.Arbitrary<OutgoingReply>>> = {
  adapter: fc.record({
    kind: fc.constant("adapter"),
    request,
    adapter: fc.option(
      fc.record({
        features,
        limits,
        info: fc.record({
          vendor: text,
          architecture: text,
          device: text,
          description: text,
          subgroupMinSize: uint32,
          subgroupMaxSize: uint32,
          isFallbackAdapter: fc.boolean(),
        }),
        wgslLanguageFeatures: features,
      }),
      { nil: null },
    ),
  }),
  device: fc.record({ kind: fc.constant("device"), request, features, limits }),
  resolved: fc.record({ kind: fc.constant("resolved"), request }),
  rejected: fc.record(
    {
      kind: fc.constant("rejected"),
      request,
      name: text,
      message: text,
      reason: fc.constantFrom("validation", "internal"),
    },
    { requiredKeys: ["kind", "request", "name", "message"] },
  ),
  errorScope: fc.record({
    kind: fc.constant("errorScope"),
    request,
    error: fc.option(error, { nil: null }),
  }),
  compilationInfo: fc.record({
    kind: fc.constant("compilationInfo"),
    request,
    messages: fc.array(
      fc.record({
        message: text,
        type: fc.constantFrom("error", "warning", "info"),
        lineNum: fc.maxSafeNat(),
        linePos: fc.maxSafeNat(),
        offset: fc.maxSafeNat(),
        length: fc.maxSafeNat(),
      }),
      { maxLength: 4 },
    ),
  }),
  mapped: fc.record({
    kind: fc.constant("mapped"),
    request,
    data: fc.uint8Array({ maxLength: 200 }),
  }),
  uncapturedError: fc.record({ kind: fc.constant("uncapturedError"), device: uint32, error }),
  deviceLost: fc.record({
    kind: fc.constant("deviceLost"),
    device: uint32,
    reason: fc.constantFrom("unknown", "destroyed"),
    message: text,
  }),
};

const noPayload = {
  takePayload(length: number): Uint8Array {
    throw new ProtocolError(`No payload of ${length} bytes is staged.`);
  },
};

function written(reply: OutgoingReply): Uint8Array {
  const writer = new Writer(16);
  writeReply(writer, reply);
  return writer.take();
}

test("every reply that has a number is tested", () => {
  expect(Object.keys(REPLIES).toSorted()).toEqual(Object.keys(ReplyKind).toSorted());
});

describe("a reply survives writing and reading", () => {
  test.for(Object.entries(REPLIES))("%s", ([, arbitrary]) => {
    fc.assert(
      fc.property(arbitrary, (reply) => {
        const reader = new Reader(written(reply));
        expect(plain(readReply(reader, noPayload))).toEqual(plain(reply));
        reader.finish();
      }),
    );
  });
});

describe("a reply cut off anywhere is refused", () => {
  test.for(Object.entries(REPLIES))("%s", ([, arbitrary]) => {
    const [reply] = fc.sample(arbitrary, { numRuns: 1, seed: 3 });
    const bytes = written(reply!);
    for (let length = 0; length < bytes.length; length++) {
      const parse = () => readReply(new Reader(bytes.subarray(0, length)), noPayload);
      expect(parse, `at ${length} of ${bytes.length}`).toThrow(ProtocolError);
    }
  });
});

test("mapped data that went ahead is taken from the payload", () => {
  const payload = new Uint8Array(70_000);
  const bytes = written({ kind: "mapped", request: 4, data: { stagedLength: payload.length } });
  const reply = readReply(new Reader(bytes), { takePayload: () => payload });
  expect(reply).toEqual({ kind: "mapped", request: 4, data: payload });
});

test("a number that no reply has is refused", () => {
  expect(() => readReply(new Reader(Uint8Array.of(99, 0)), noPayload)).toThrow(
    "No reply has the number 99.",
  );
});

/** Records of limits have no prototype once they are read. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
