import { describe, expect, test } from "vitest";
import { ProtocolError } from "#shared/wire/errors.ts";
import { OPCODE_COUNT, PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { readHello, readWelcome, writeHello, writeWelcome } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";

function hello(): Uint8Array {
  const writer = new Writer(16);
  writeHello(writer, "a program");
  return writer.take();
}

const WELCOME = {
  wgslLanguageFeatures: ["pointer_composite_access", "packed_4x8_integer_dot_product"],
  preferredCanvasFormat: "bgra8unorm",
  connection: 300,
} as const;

function welcome(): Uint8Array {
  const writer = new Writer(16);
  writeWelcome(writer, WELCOME);
  return writer.take();
}

/** The bytes with another major version. */
function ofMajor(bytes: Uint8Array, at: number, major: number): Reader {
  const changed = bytes.slice();
  changed[at] = major;
  return new Reader(changed);
}

test("a hello says the version and the client", () => {
  expect(readHello(new Reader(hello()))).toEqual({
    major: PROTOCOL_MAJOR,
    minor: PROTOCOL_MINOR,
    client: "a program",
  });
});

test("a welcome says what the worker knows", () => {
  expect(readWelcome(new Reader(welcome()))).toEqual({
    ...WELCOME,
    major: PROTOCOL_MAJOR,
    minor: PROTOCOL_MINOR,
    opcodeCount: OPCODE_COUNT,
  });
});

test("a later minor may put more at the end of either", () => {
  expect(readHello(new Reader(Uint8Array.of(...hello(), 1, 2))).client).toBe("a program");
  expect(readWelcome(new Reader(Uint8Array.of(...welcome(), 1, 2))).connection).toBe(300);
});

describe("a stranger is refused with a sentence", () => {
  test.for([
    { who: "one that says nothing", bytes: new Uint8Array() },
    { who: "one that speaks HTTP", bytes: Buffer.from("GET / HTTP/1.1\r\n") },
    { who: "one that stops after HEL", bytes: Buffer.from("HEL") },
  ])("$who", ({ bytes }) => {
    expect(() => readHello(new Reader(bytes))).toThrow(
      new ProtocolError("The connection does not begin with a hello: this is no guest."),
    );
  });

  test("a guest of another major version", () => {
    expect(() => readHello(ofMajor(hello(), 5, PROTOCOL_MAJOR + 1))).toThrow(
      /^The guest speaks version 2\.\d+ of the wire and this host 1\.\d+: install the same/,
    );
  });

  test("a host of another major version", () => {
    expect(() => readWelcome(ofMajor(welcome(), 0, PROTOCOL_MAJOR + 1))).toThrow(
      /^The host speaks version 2\.\d+ of the wire and this guest 1\.\d+: install the same/,
    );
  });
});

test.for([
  { what: "a hello", bytes: hello(), read: readHello },
  { what: "a welcome", bytes: welcome(), read: readWelcome },
])("$what cut off anywhere is refused", ({ bytes, read }) => {
  for (let length = 0; length < bytes.length; length++) {
    expect(() => read(new Reader(bytes.subarray(0, length))), `at ${length}`).toThrow(
      ProtocolError,
    );
  }
});
