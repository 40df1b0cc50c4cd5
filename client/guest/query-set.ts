import { writeQuerySetDestroy } from "#shared/wire/gen/write-commands.ts";
import { GPUQuerySetSlot } from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { illegalConstructor, toUSVString } from "./webidl.ts";

export class GPUQuerySet implements globalThis.GPUQuerySet {
  declare readonly __brand: "GPUQuerySet";

  constructor() {
    throw illegalConstructor();
  }

  get type(): GPUQueryType {
    return GPUQuerySetSlot.of(this).type;
  }

  get count(): number {
    return GPUQuerySetSlot.of(this).count;
  }

  get label(): string {
    return GPUQuerySetSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUQuerySetSlot.of(this), toUSVString(value));
  }

  destroy(): undefined {
    const record = GPUQuerySetSlot.of(this);
    writeQuerySetDestroy(record.stream.writer, record);
    record.stream.recorded();
  }

  static {
    defineInterface(this);
  }
}
