import {
  writeBufferDestroy,
  writeBufferMapAsync,
  writeBufferUnmap,
} from "#shared/wire/gen/write-commands.ts";
import { turn } from "./after-task.ts";
import { GPUBufferUsage, GPUMapMode } from "./flags.ts";
import type { BufferRecord } from "./records.ts";
import type { WeakRefs } from "./weak-refs.ts";

// Mapped memory is the guest's: https://www.w3.org/TR/webgpu/#buffer-mapping with the worker at the
// other end. Content read comes with the reply to bufferMapAsync, content written goes with bufferUnmap.
//
// A MAP_WRITE buffer is written by nobody but the guest, so the guest keeps its content (the shadow)
// and maps it for writing without awaiting the reply: engines remap their staging buffers every
// frame, and would make a new one for each frame that a round trip lasts.

/** An ArrayBuffer that the program has, and where in the buffer it lies. */
type MappedView = {
  readonly offset: number;
  readonly size: number;
  readonly memory: ArrayBuffer;
};

export class Mapping {
  state: "pending" | "mapped" = "pending";
  readonly isWriting: boolean;
  readonly start: number;
  readonly end: number;
  /** The content of the mapped range, or of the whole buffer for a shadow; undefined is zeros. */
  content: { readonly bytes: Uint8Array<ArrayBuffer>; readonly offset: number } | undefined;
  readonly views: MappedView[] = [];
  /** Rejects the promise of a pending map. */
  cancel: (error: DOMException) => void = () => {};
  readonly #weak: WeakRef<BufferRecord>;
  readonly #all: WeakRefs<BufferRecord>;

  constructor(buffer: BufferRecord, isWriting: boolean, start: number, end: number) {
    this.isWriting = isWriting;
    this.start = start;
    this.end = end;
    this.#weak = new WeakRef(buffer);
    this.#all = buffer.device.mapped;
    this.#all.add(this.#weak);
  }

  forget(): void {
    this.#all.delete(this.#weak);
  }
}

function operationError(sentence: string): DOMException {
  return new DOMException(sentence, "OperationError");
}

/** Throws the RangeError of createBuffer where the memory is not to be had. */
export function allocateMapped(size: number): Uint8Array<ArrayBuffer> {
  if (size % 4 !== 0) {
    throw new RangeError(
      `The size (${size}) of a buffer mapped at creation is not a multiple of 4.`,
    );
  }
  return new Uint8Array(size);
}

export function mapAtCreation(buffer: BufferRecord, bytes: Uint8Array<ArrayBuffer>): void {
  const mapping = new Mapping(buffer, true, 0, buffer.size);
  mapping.state = "mapped";
  mapping.content = { bytes, offset: 0 };
  buffer.mapping = mapping;
}

/** Whether a map for writing is bound to succeed, so that nobody need be awaited. */
function isWritableAtOnce(
  buffer: BufferRecord,
  mode: number,
  offset: number,
  size: number,
): boolean {
  const { MAP_WRITE, COPY_SRC } = GPUBufferUsage;
  return (
    mode === GPUMapMode.WRITE &&
    (buffer.usage & MAP_WRITE) !== 0 &&
    (buffer.usage & ~(MAP_WRITE | COPY_SRC)) === 0 &&
    buffer.size <= buffer.device.limits.maxBufferSize &&
    !buffer.isDestroyed &&
    !buffer.device.isLost &&
    offset % 8 === 0 &&
    size % 4 === 0 &&
    offset + size <= buffer.size
  );
}

/** Throws at once, and the worker is not asked, while another map is pending. */
export function requireNoPendingMap({ mapping, cancelRefused }: BufferRecord): void {
  if (mapping?.state === "pending" || cancelRefused !== undefined) {
    throw operationError("A map of the buffer is pending already.");
  }
}

export async function mapBuffer(
  buffer: BufferRecord,
  mode: number,
  offset: number,
  size: number | undefined,
): Promise<undefined> {
  const rangeSize = size ?? Math.max(0, buffer.size - offset);
  if (buffer.mapping !== undefined) return refuseMap(buffer, mode, offset, size);
  const isWriting = (mode & GPUMapMode.READ) === 0;
  const mapping = new Mapping(buffer, isWriting, offset, offset + rangeSize);
  const isCertain = isWritableAtOnce(buffer, mode, offset, rangeSize);
  buffer.mapping = mapping;
  const cancelled = new Promise<never>((_, reject) => {
    mapping.cancel = reject;
  });
  const content = requestMap(buffer, mode, offset, size);
  if (isCertain) {
    content.catch(() => {}); // Where the worker ran out of memory for the buffer, as it has reported.
    await Promise.race([cancelled, turn()]);
    if (buffer.mapping !== mapping) return cancelled;
    const { shadow } = buffer;
    mapping.content = shadow && { bytes: shadow, offset: 0 };
  } else {
    try {
      const bytes = await Promise.race([cancelled, content]);
      mapping.content = bytes && { bytes, offset };
    } catch (error) {
      if (buffer.mapping === mapping) dropMapping(buffer);
      throw error;
    }
  }
  mapping.state = "mapped";
  return undefined;
}

async function requestMap(
  buffer: BufferRecord,
  mode: number,
  offset: number,
  size: number | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { device } = buffer;
  const reply = await device.connection.request(device, (writer, request) =>
    writeBufferMapAsync(writer, request, buffer, mode, offset, size),
  );
  if (reply === undefined) throw new DOMException("The device is lost.", "AbortError");
  if (reply.kind === "mapped") return reply.data.slice();
  if (reply.kind === "rejected") throw new DOMException(reply.message, reply.name);
  return undefined;
}

/** A map of a buffer that is mapped: the worker raises the validation error. */
async function refuseMap(
  buffer: BufferRecord,
  mode: number,
  offset: number,
  size: number | undefined,
): Promise<never> {
  const cancelled = new Promise<never>((_, reject) => {
    buffer.cancelRefused = reject;
  });
  const { cancelRefused } = buffer;
  try {
    await Promise.race([cancelled, requestMap(buffer, mode, offset, size)]);
  } finally {
    if (buffer.cancelRefused === cancelRefused) buffer.cancelRefused = undefined;
  }
  throw operationError("The buffer is mapped already.");
}

export function getMappedRange(
  buffer: BufferRecord,
  offset: number,
  size: number | undefined,
): ArrayBuffer {
  const { mapping } = buffer;
  if (mapping?.state !== "mapped") throw operationError("The buffer is not mapped.");
  const rangeSize = size ?? Math.max(0, buffer.size - offset);
  const end = offset + rangeSize;
  if (offset % 8 !== 0) throw operationError(`The offset (${offset}) is not a multiple of 8.`);
  if (rangeSize % 4 !== 0) throw operationError(`The size (${rangeSize}) is not a multiple of 4.`);
  if (offset < mapping.start || end > mapping.end) {
    throw operationError(
      `The range ${offset} to ${end} is outside what is mapped (${mapping.start} to ${mapping.end}).`,
    );
  }
  for (const view of mapping.views) {
    if (offset < view.offset + view.size && view.offset < end) {
      throw operationError(
        `The range ${offset} to ${end} overlaps one that was got before (${view.offset} to ${view.offset + view.size}).`,
      );
    }
  }
  const memory = takeMemory(mapping, offset, rangeSize);
  mapping.views.push({ offset, size: rangeSize, memory });
  return memory;
}

/** The content itself where all of it is asked for, else a copy. */
function takeMemory({ content }: Mapping, offset: number, size: number): ArrayBuffer {
  if (content === undefined) return new ArrayBuffer(size);
  const { bytes } = content;
  const start = offset - content.offset;
  const isAll = size === bytes.length && bytes.buffer.byteLength === size && size > 0;
  return isAll ? bytes.buffer : bytes.slice(start, start + size).buffer;
}

/** Detaches, and gives the memory to the caller; undefined where the program has given it away. */
function detach({ memory, size }: MappedView): Uint8Array<ArrayBuffer> | undefined {
  if (memory.byteLength !== size) return undefined;
  const taken =
    "transfer" in memory ? memory.transfer() : structuredClone(memory, { transfer: [memory] });
  return new Uint8Array(taken);
}

/** Ends a mapping or a pending map without a word to the worker. */
export function dropMapping(buffer: BufferRecord): void {
  const { mapping } = buffer;
  if (mapping === undefined) return;
  abortRefused(buffer);
  buffer.mapping = undefined;
  mapping.forget();
  for (const view of mapping.views) detach(view);
  if (mapping.state === "pending") mapping.cancel(abortError());
}

/** A map that the worker is about to refuse is aborted where the program unmaps first. */
function abortRefused(buffer: BufferRecord): void {
  buffer.cancelRefused?.(abortError());
  buffer.cancelRefused = undefined;
}

function abortError(): DOMException {
  return new DOMException("The buffer was unmapped before it was mapped.", "AbortError");
}

export function unmapBuffer(buffer: BufferRecord): void {
  const { mapping, stream } = buffer;
  if (mapping === undefined) return;
  if (mapping.state === "pending" || !mapping.isWriting) {
    dropMapping(buffer);
    stream.record((writer) => writeBufferUnmap(writer, buffer, [], new Uint8Array(0)));
    return;
  }
  abortRefused(buffer);
  buffer.mapping = undefined;
  mapping.forget();
  const ranges: { offset: number; size: number }[] = [];
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const view of mapping.views) {
    const bytes = detach(view);
    if (bytes === undefined || bytes.length === 0) continue;
    ranges.push({ offset: view.offset, size: view.size });
    parts.push(bytes);
    keepInShadow(buffer, view.offset, bytes);
  }
  // The shadow's own memory was got, and given away.
  if (buffer.shadow?.length !== buffer.size) buffer.shadow = undefined;
  stream.recordData(concatenate(parts), (writer, data) =>
    writeBufferUnmap(writer, buffer, ranges, data),
  );
}

function keepInShadow(buffer: BufferRecord, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
  if ((buffer.usage & GPUBufferUsage.MAP_WRITE) === 0) return;
  if (bytes.length === buffer.size) {
    buffer.shadow = bytes;
    return;
  }
  buffer.shadow ??= new Uint8Array(buffer.size);
  buffer.shadow.set(bytes, offset);
}

function concatenate(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function destroyBuffer(buffer: BufferRecord): void {
  dropMapping(buffer);
  buffer.shadow = undefined;
  buffer.isDestroyed = true;
  writeBufferDestroy(buffer.stream.writer, buffer);
  buffer.stream.recorded();
  buffer.stream.destroyed(buffer);
}
