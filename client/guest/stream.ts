import { FRAME_HEADER_BYTES, UpFrame, frame, writeFrameHeader } from "#shared/wire/frames.ts";
import {
  writeRelease,
  writeUseCommandEncoder,
  writeUseComputePassEncoder,
  writeUseDevice,
  writeUseRenderBundleEncoder,
  writeUseRenderPassEncoder,
} from "#shared/wire/gen/write-commands.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Handle } from "#shared/wire/handles.ts";
import { MAX_FRAME_BYTES, MAX_INLINE_BYTES, PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import { type Data, Writer } from "#shared/wire/writer.ts";
import { CollectorNudge } from "./collector-nudge.ts";
import { HandleTable } from "./handle-table.ts";
import type { DeviceRecord, Records, WireObject } from "./records.ts";
import { revive } from "./revive.ts";

/** A batch of this size leaves at once: large enough to be cheap, small enough not to add latency. */
const BATCH_BYTES = 64 * 1024;

type HeldHandle = Handle & { readonly kind: number };

/**
 * The commands of one connection on their way out: gathers them in a batch, says which object is the
 * current one, gives out handles and takes them back.
 *
 * A batch leaves when it is flushed, when it is large, and at the end of the running microtask.
 */
export class Stream {
  readonly writer = new Writer(2 * BATCH_BYTES);
  readonly #send: (frame: Uint8Array) => void;
  /** Where the batch wants attention: 0 while no flush is scheduled, so that the first command asks. */
  #attention = 0;
  #serial = 0;
  readonly #handles = new Map<number, HandleTable>();
  readonly #nudge = new CollectorNudge();
  readonly #registry = new FinalizationRegistry<HeldHandle>((handle) => {
    this.#nudge.collected();
    this.#release(handle);
  });

  /** Called after each queue.submit. */
  onSubmit: () => void = () => {};

  // What is current at the worker.
  device: DeviceRecord | undefined;
  commandEncoder: Records["GPUCommandEncoder"] | undefined;
  renderPassEncoder: Records["GPURenderPassEncoder"] | undefined;
  computePassEncoder: Records["GPUComputePassEncoder"] | undefined;
  renderBundleEncoder: Records["GPURenderBundleEncoder"] | undefined;

  /** `send` owns the frames it gets. */
  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
    for (const [name, kind] of Object.entries(ObjectKind)) {
      this.#handles.set(kind, new HandleTable(name));
    }
    this.#beginBatch();
  }

  /** Numbers holders, from 1. */
  nextSerial(): number {
    return ++this.#serial;
  }

  useDevice(device: DeviceRecord): void {
    if (this.device === device) return;
    writeUseDevice(this.writer, device);
    this.device = device;
    this.recorded();
  }

  useCommandEncoder(encoder: Records["GPUCommandEncoder"]): void {
    if (encoder.id === 0) revive(encoder);
    if (this.commandEncoder === encoder) return;
    writeUseCommandEncoder(this.writer, encoder);
    this.commandEncoder = encoder;
    this.recorded();
  }

  useRenderPassEncoder(encoder: Records["GPURenderPassEncoder"]): void {
    if (encoder.id === 0) revive(encoder);
    if (this.renderPassEncoder === encoder) return;
    writeUseRenderPassEncoder(this.writer, encoder);
    this.renderPassEncoder = encoder;
    this.recorded();
  }

  useComputePassEncoder(encoder: Records["GPUComputePassEncoder"]): void {
    if (encoder.id === 0) revive(encoder);
    if (this.computePassEncoder === encoder) return;
    writeUseComputePassEncoder(this.writer, encoder);
    this.computePassEncoder = encoder;
    this.recorded();
  }

  useRenderBundleEncoder(encoder: Records["GPURenderBundleEncoder"]): void {
    if (encoder.id === 0) revive(encoder);
    if (this.renderBundleEncoder === encoder) return;
    writeUseRenderBundleEncoder(this.writer, encoder);
    this.renderBundleEncoder = encoder;
    this.recorded();
  }

  /** Follows each command of bounded size that was written to `writer`. */
  recorded(): void {
    if (this.writer.length >= this.#attention) this.#attend();
  }

  /** Records a command of any size. Throws a RangeError, and records nothing, where it is over a limit. */
  record(write: (writer: Writer) => void): void {
    const mark = this.writer.mark();
    try {
      write(this.writer);
    } catch (error) {
      this.writer.rewind(mark);
      throw error;
    }
    if (this.writer.length - FRAME_HEADER_BYTES > MAX_FRAME_BYTES) {
      this.#sendStaged(mark);
    } else {
      this.recorded();
    }
  }

  /** Records a command with bulk data, which is copied out before this returns. */
  recordData(bytes: Uint8Array, write: (writer: Writer, data: Data) => void): void {
    if (bytes.length <= MAX_INLINE_BYTES) {
      this.record((writer) => write(writer, bytes));
      return;
    }
    this.flush();
    this.#sendPayload(bytes);
    this.record((writer) => write(writer, { stagedLength: bytes.length }));
  }

  /** Records the command that makes an object, under a handle of its own. */
  create(kind: number, write: (writer: Writer, handle: Handle) => void): Handle {
    const handle = this.allocate(kind);
    try {
      this.record((writer) => write(writer, handle));
    } catch (error) {
      this.free(kind, handle);
      throw error;
    }
    return handle;
  }

  allocate(kind: number): Handle {
    return this.#handles.get(kind)!.allocate();
  }

  /** Takes back a handle that no command carried. */
  free(kind: number, handle: Handle): void {
    this.#handles.get(kind)!.free(handle);
  }

  /** Has the object released once the program can no longer reach it. */
  track<T extends WireObject>(record: T): T {
    const { id, generation, kind } = record;
    this.#registry.register(record, { id, generation, kind }, record);
    this.#nudge.made(kind, record.bytes);
    return record;
  }

  /** The program destroyed an object: its memory is free at the worker, and its handle is still the program's. */
  destroyed(record: WireObject): void {
    this.#nudge.destroyed(record.bytes);
    record.bytes = 0;
  }

  /** Releases an object that is used up; whoever misuses it after brings it back: see revive.ts. */
  retire(record: WireObject): void {
    if (record.id === 0) return;
    this.#registry.unregister(record);
    this.#nudge.released();
    this.#release(record);
    record.id = 0;
    if (this.commandEncoder === record) this.commandEncoder = undefined;
    if (this.renderPassEncoder === record) this.renderPassEncoder = undefined;
    if (this.computePassEncoder === record) this.computePassEncoder = undefined;
    if (this.renderBundleEncoder === record) this.renderBundleEncoder = undefined;
  }

  /** Releases a handle whose object was not made, because its request failed. */
  releaseHandle(kind: number, handle: Handle): void {
    this.#release({ ...handle, kind });
  }

  flush(): void {
    if (this.writer.length === FRAME_HEADER_BYTES) return;
    const batch = this.writer.take();
    writeFrameHeader(batch, 0, UpFrame.commands, batch.length - FRAME_HEADER_BYTES);
    this.#beginBatch();
    this.#send(batch);
  }

  #beginBatch(): void {
    this.writer.reserve(FRAME_HEADER_BYTES);
    this.writer.raw(new Uint8Array(FRAME_HEADER_BYTES));
  }

  #attend(): void {
    if (this.#attention === 0) {
      this.#attention = BATCH_BYTES;
      queueMicrotask(() => {
        this.#attention = 0;
        this.flush();
      });
    }
    if (this.writer.length >= BATCH_BYTES) this.flush();
  }

  #release(handle: HeldHandle): void {
    writeRelease(this.writer, handle.kind, handle);
    this.free(handle.kind, handle);
    this.recorded();
  }

  /** Sends the command that begins at the mark as a payload: it is larger than a frame may be. */
  #sendStaged(mark: number): void {
    const command = this.writer.view().slice(mark);
    this.writer.rewind(mark);
    this.flush();
    this.#sendPayload(command);
    this.#send(frame(UpFrame.stagedCommands, new Uint8Array(0)));
  }

  #sendPayload(bytes: Uint8Array): void {
    const total = new Uint8Array(8);
    new DataView(total.buffer).setFloat64(0, bytes.length, true);
    this.#send(frame(UpFrame.payloadBegin, total));
    for (let at = 0; at < bytes.length; at += PAYLOAD_CHUNK_BYTES) {
      this.#send(frame(UpFrame.payloadChunk, bytes.subarray(at, at + PAYLOAD_CHUNK_BYTES)));
    }
  }
}
