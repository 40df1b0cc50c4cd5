import { assertNever } from "../base/assert.ts";
import { truncateUtf8 } from "../base/utf8.ts";
import {
  GPU_COMPILATION_MESSAGE_TYPE_NAMES,
  GPU_COMPILATION_MESSAGE_TYPE_NUMBERS,
  GPU_DEVICE_LOST_REASON_NAMES,
  GPU_DEVICE_LOST_REASON_NUMBERS,
  GPU_ERROR_FILTER_NAMES,
  GPU_ERROR_FILTER_NUMBERS,
  GPU_PIPELINE_ERROR_REASON_NAMES,
  GPU_PIPELINE_ERROR_REASON_NUMBERS,
  type GPUCompilationMessageType,
  type GPUDeviceLostReason,
  type GPUErrorFilter,
  type GPUPipelineErrorReason,
} from "./gen/enums.ts";
import { ReplyKind } from "./gen/numbers.ts";
import { MAX_COMPILATION_MESSAGES, MAX_MESSAGE_BYTES } from "./limits.ts";
import type { PayloadSource, Reader } from "./reader.ts";
import type { Data, Writer } from "./writer.ts";

// Replies and events, from the worker to a program. `request` is the number that the command
// carried; each request is answered once.

/** Limits by name. A guest ignores those that it does not know. */
export type Limits = Readonly<Record<string, number>>;

type AdapterInfo = {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly isFallbackAdapter: boolean;
};

export type AdapterReply = {
  readonly features: readonly string[];
  readonly limits: Limits;
  readonly info: AdapterInfo;
  readonly wgslLanguageFeatures: readonly string[];
};

type WireError = { readonly type: GPUErrorFilter; readonly message: string };

/** Positions are counted in UTF-16 units, as the API has them. */
type CompilationMessage = {
  readonly message: string;
  readonly type: GPUCompilationMessageType;
  readonly lineNum: number;
  readonly linePos: number;
  readonly offset: number;
  readonly length: number;
};

type ReplyOf<D> =
  /** requestAdapter; null where no adapter fits. */
  | {
      readonly kind: "adapter";
      readonly request: number;
      readonly adapter: AdapterReply | null;
    }
  /** adapterRequestDevice, where it succeeds. */
  | {
      readonly kind: "device";
      readonly request: number;
      readonly features: readonly string[];
      readonly limits: Limits;
    }
  /** Any request whose promise resolves to undefined or to the object that the command named. */
  | { readonly kind: "resolved"; readonly request: number }
  /** Any request: the promise rejects with a DOMException of this name, or a GPUPipelineError. */
  | {
      readonly kind: "rejected";
      readonly request: number;
      readonly name: string;
      readonly message: string;
      /** Present for a GPUPipelineError. */
      readonly reason?: GPUPipelineErrorReason;
    }
  /** devicePopErrorScope. */
  | { readonly kind: "errorScope"; readonly request: number; readonly error: WireError | null }
  | {
      readonly kind: "compilationInfo";
      readonly request: number;
      readonly messages: readonly CompilationMessage[];
    }
  /** bufferMapAsync for reading: the content of the mapped range. Valid until the next reply is read. */
  | { readonly kind: "mapped"; readonly request: number; readonly data: D }
  | { readonly kind: "uncapturedError"; readonly device: number; readonly error: WireError }
  | {
      readonly kind: "deviceLost";
      readonly device: number;
      readonly reason: GPUDeviceLostReason;
      readonly message: string;
    };

export type Reply = ReplyOf<Uint8Array>;

/** A reply to write: its data may have gone before, in payload frames. */
export type OutgoingReply = ReplyOf<Data>;

export function writeReply(writer: Writer, reply: OutgoingReply): void {
  writer.reserve(10);
  writer.u32(ReplyKind[reply.kind]);
  writer.u32("request" in reply ? reply.request : reply.device);
  switch (reply.kind) {
    case "adapter":
      writer.reserve(1);
      writer.boolean(reply.adapter !== null);
      if (reply.adapter !== null) writeAdapter(writer, reply.adapter);
      return;
    case "device":
      writeStrings(writer, reply.features);
      writeLimits(writer, reply.limits);
      return;
    case "resolved":
      return;
    case "rejected":
      writer.label(reply.name);
      writeMessage(writer, reply.message);
      writer.reserve(5);
      writer.u32(
        reply.reason === undefined ? 0 : GPU_PIPELINE_ERROR_REASON_NUMBERS[reply.reason] + 1,
      );
      return;
    case "errorScope":
      writer.reserve(1);
      writer.boolean(reply.error !== null);
      if (reply.error !== null) writeError(writer, reply.error);
      return;
    case "compilationInfo":
      writeMessages(writer, reply.messages);
      return;
    case "mapped":
      writer.bytes(reply.data);
      return;
    case "uncapturedError":
      writeError(writer, reply.error);
      return;
    case "deviceLost":
      writer.reserve(5);
      writer.u32(GPU_DEVICE_LOST_REASON_NUMBERS[reply.reason]);
      writeMessage(writer, reply.message);
      return;
    default:
      assertNever(reply);
  }
}

/** Reads one reply; `payloads` gives the data of one whose data went before it. */
export function readReply(reader: Reader, payloads: PayloadSource): Reply {
  const number = reader.u32();
  const request = reader.u32();
  switch (number) {
    case ReplyKind.adapter:
      return { kind: "adapter", request, adapter: reader.boolean() ? readAdapter(reader) : null };
    case ReplyKind.device:
      return {
        kind: "device",
        request,
        features: readStrings(reader),
        limits: readLimits(reader),
      };
    case ReplyKind.resolved:
      return { kind: "resolved", request };
    case ReplyKind.rejected: {
      const name = reader.label();
      const message = readMessage(reader);
      const reason = reader.nullableEnumeration(
        GPU_PIPELINE_ERROR_REASON_NAMES,
        "GPUPipelineErrorReason",
      );
      const reply = { kind: "rejected", request, name, message } as const;
      return reason === null ? reply : { ...reply, reason };
    }
    case ReplyKind.errorScope:
      return { kind: "errorScope", request, error: reader.boolean() ? readError(reader) : null };
    case ReplyKind.compilationInfo:
      return { kind: "compilationInfo", request, messages: readMessages(reader) };
    case ReplyKind.mapped:
      return { kind: "mapped", request, data: reader.bytes(payloads) };
    case ReplyKind.uncapturedError:
      return { kind: "uncapturedError", device: request, error: readError(reader) };
    case ReplyKind.deviceLost:
      return {
        kind: "deviceLost",
        device: request,
        reason: reader.enumeration(GPU_DEVICE_LOST_REASON_NAMES, "GPUDeviceLostReason"),
        message: readMessage(reader),
      };
    default:
      return reader.refuse(`No reply has the number ${number}.`);
  }
}

function writeAdapter(writer: Writer, adapter: AdapterReply): void {
  writeStrings(writer, adapter.features);
  writeLimits(writer, adapter.limits);
  const { info } = adapter;
  writer.label(info.vendor);
  writer.label(info.architecture);
  writer.label(info.device);
  writer.label(info.description);
  writer.reserve(11);
  writer.u32(info.subgroupMinSize);
  writer.u32(info.subgroupMaxSize);
  writer.boolean(info.isFallbackAdapter);
  writeStrings(writer, adapter.wgslLanguageFeatures);
}

function readAdapter(reader: Reader): AdapterReply {
  const features = readStrings(reader);
  const limits = readLimits(reader);
  const info = {
    vendor: reader.label(),
    architecture: reader.label(),
    device: reader.label(),
    description: reader.label(),
    subgroupMinSize: reader.u32(),
    subgroupMaxSize: reader.u32(),
    isFallbackAdapter: reader.boolean(),
  };
  return { features, limits, info, wgslLanguageFeatures: readStrings(reader) };
}

function writeStrings(writer: Writer, strings: readonly string[]): void {
  writer.sequenceCount(strings.length);
  for (const text of strings) writer.label(text);
}

function readStrings(reader: Reader): string[] {
  const strings: string[] = [];
  for (let left = reader.sequenceCount(); left > 0; left--) strings.push(reader.label());
  return strings;
}

function writeLimits(writer: Writer, limits: Limits): void {
  const entries = Object.entries(limits);
  writer.recordCount(entries.length);
  for (const [name, value] of entries) {
    writer.label(name);
    writer.reserve(8);
    writer.u64(value);
  }
}

function readLimits(reader: Reader): Limits {
  const limits: Record<string, number> = Object.create(null);
  for (let left = reader.recordCount(); left > 0; left--) {
    const name = reader.label();
    limits[name] = reader.u64();
  }
  return limits;
}

function writeError(writer: Writer, { type, message }: WireError): void {
  writer.reserve(5);
  writer.u32(GPU_ERROR_FILTER_NUMBERS[type]);
  writeMessage(writer, message);
}

function readError(reader: Reader): WireError {
  const type = reader.enumeration(GPU_ERROR_FILTER_NAMES, "GPUErrorFilter");
  return { type, message: readMessage(reader) };
}

function writeMessages(writer: Writer, messages: readonly CompilationMessage[]): void {
  const kept = messages.slice(0, MAX_COMPILATION_MESSAGES);
  writer.sequenceCount(kept.length);
  for (const { type, message, lineNum, linePos, offset, length } of kept) {
    writer.reserve(5);
    writer.u32(GPU_COMPILATION_MESSAGE_TYPE_NUMBERS[type]);
    writeMessage(writer, message);
    writer.reserve(32);
    writer.u64(lineNum);
    writer.u64(linePos);
    writer.u64(offset);
    writer.u64(length);
  }
}

function readMessages(reader: Reader): CompilationMessage[] {
  const messages: CompilationMessage[] = [];
  const count = reader.sequenceCount();
  if (count > MAX_COMPILATION_MESSAGES) {
    reader.refuse(
      `A compilation info (${count} messages) is over the limit (${MAX_COMPILATION_MESSAGES}).`,
    );
  }
  for (let left = count; left > 0; left--) {
    messages.push({
      type: reader.enumeration(GPU_COMPILATION_MESSAGE_TYPE_NAMES, "GPUCompilationMessageType"),
      message: readMessage(reader),
      lineNum: reader.u64(),
      linePos: reader.u64(),
      offset: reader.u64(),
      length: reader.u64(),
    });
  }
  return messages;
}

function writeMessage(writer: Writer, message: string): void {
  writer.string(truncateUtf8(message, MAX_MESSAGE_BYTES));
}

function readMessage(reader: Reader): string {
  return reader.shortString(MAX_MESSAGE_BYTES, "message");
}
