import { ProtocolError } from "./errors.ts";
import type { GPUTextureFormat } from "./gen/enums.ts";
import { GPU_TEXTURE_FORMAT_NAMES, GPU_TEXTURE_FORMAT_NUMBERS } from "./gen/enums.ts";
import { OPCODE_COUNT, PROTOCOL_MAJOR, PROTOCOL_MINOR } from "./gen/numbers.ts";
import { MAX_CLIENT_NAME_BYTES } from "./limits.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

// The first frame each way. A hello begins with five fixed bytes, so that a stranger is told apart
// from a guest of another version. Both payloads may grow at their end in a later minor.

const MAGIC = [0x48, 0x45, 0x4c, 0x49, 0x4f]; // "HELIO"

export type Hello = {
  readonly major: number;
  readonly minor: number;
  /** The guest library and its program, for the host's log. */
  readonly client: string;
};

export type Welcome = {
  readonly major: number;
  readonly minor: number;
  /** Opcodes from this on are unknown to the worker. */
  readonly opcodeCount: number;
  readonly wgslLanguageFeatures: readonly string[];
  readonly preferredCanvasFormat: GPUTextureFormat;
  readonly connection: number;
};

/** The hello of this build. */
export function writeHello(writer: Writer, client: string): void {
  writer.reserve(MAGIC.length + 10);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u32(PROTOCOL_MAJOR);
  writer.u32(PROTOCOL_MINOR);
  writer.string(client);
}

export function readHello(reader: Reader): Hello {
  for (const expected of MAGIC) {
    if (reader.remaining === 0 || reader.u8() !== expected) {
      throw new ProtocolError("The connection does not begin with a hello: this is no guest.");
    }
  }
  const major = reader.u32();
  const minor = reader.u32();
  if (major !== PROTOCOL_MAJOR) {
    throw new ProtocolError(
      `The guest speaks version ${major}.${minor} of the wire and this host ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR}: install the same major version on both.`,
    );
  }
  return { major, minor, client: reader.shortString(MAX_CLIENT_NAME_BYTES, "client name") };
}

/** The welcome of this build. */
export function writeWelcome(
  writer: Writer,
  welcome: Omit<Welcome, "major" | "minor" | "opcodeCount">,
): void {
  writer.reserve(15);
  writer.u32(PROTOCOL_MAJOR);
  writer.u32(PROTOCOL_MINOR);
  writer.u32(OPCODE_COUNT);
  writer.sequenceCount(welcome.wgslLanguageFeatures.length);
  for (const feature of welcome.wgslLanguageFeatures) writer.label(feature);
  writer.reserve(10);
  writer.u32(GPU_TEXTURE_FORMAT_NUMBERS[welcome.preferredCanvasFormat]);
  writer.u32(welcome.connection);
}

export function readWelcome(reader: Reader): Welcome {
  const major = reader.u32();
  const minor = reader.u32();
  if (major !== PROTOCOL_MAJOR) {
    throw new ProtocolError(
      `The host speaks version ${major}.${minor} of the wire and this guest ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR}: install the same major version on both.`,
    );
  }
  const opcodeCount = reader.u32();
  const wgslLanguageFeatures: string[] = [];
  for (let left = reader.sequenceCount(); left > 0; left--) {
    wgslLanguageFeatures.push(reader.label());
  }
  const preferredCanvasFormat = reader.enumeration(GPU_TEXTURE_FORMAT_NAMES, "GPUTextureFormat");
  const connection = reader.u32();
  return { major, minor, opcodeCount, wgslLanguageFeatures, preferredCanvasFormat, connection };
}
