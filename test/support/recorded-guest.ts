import {
  encodePreamble,
  encodeRecordHeader,
  type RecordingHeader,
  RecordKind,
} from "#server/recording/format.ts";
import type { GPUDeviceDescriptor } from "#shared/wire/gen/dictionaries.ts";
import {
  writeAdapterRequestDevice,
  writeRequestAdapter,
  writeUseDevice,
} from "#shared/wire/gen/write-commands.ts";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import { writeHello } from "#shared/wire/handshake.ts";
import { Writer } from "#shared/wire/writer.ts";
import { TEST_HEADER } from "./recordings.ts";
import { WireGuest } from "./wire-guest.ts";

/** A guest whose stream nobody answers: it becomes a recording. Each send() is a record. */
export class RecordedGuest extends WireGuest {
  readonly #records: Uint8Array[] = [];

  constructor() {
    super();
    const hello = new Writer();
    writeHello(hello, "a test");
    this.#add(frame(UpFrame.hello, hello.take()));
  }

  async send(): Promise<void> {
    this.#add(frame(UpFrame.commands, this.writer.take()));
  }

  /** As device(), of which nobody tells whether there is one. */
  async unansweredDevice(descriptor: GPUDeviceDescriptor = {}): Promise<void> {
    const adapter = this.make("GPUAdapter");
    const device = this.make("GPUDevice");
    writeRequestAdapter(this.writer, this.request(), adapter, {});
    await this.send();
    writeAdapterRequestDevice(this.writer, this.request(), adapter, device, descriptor);
    writeUseDevice(this.writer, device);
    await this.send();
  }

  recording(header: RecordingHeader = TEST_HEADER, sentence = "Over."): Buffer {
    const end = Buffer.from(JSON.stringify({ why: "ended", sentence }));
    return Buffer.concat([
      encodePreamble(header),
      ...this.#records,
      encodeRecordHeader(RecordKind.end, 0, end.length),
      end,
    ]);
  }

  #add(bytes: Uint8Array): void {
    this.#records.push(encodeRecordHeader(RecordKind.up, 0, bytes.length), bytes);
  }
}
