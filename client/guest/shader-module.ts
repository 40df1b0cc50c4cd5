import { writeShaderModuleGetCompilationInfo } from "#shared/wire/gen/write-commands.ts";
import { GPUCompilationInfo } from "./compilation-info.ts";
import { GPUShaderModuleSlot } from "./gen/slots.ts";
import { constructKey, defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { illegalConstructor, toUSVString } from "./webidl.ts";

export class GPUShaderModule implements globalThis.GPUShaderModule {
  declare readonly __brand: "GPUShaderModule";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return GPUShaderModuleSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUShaderModuleSlot.of(this), toUSVString(value));
  }

  async getCompilationInfo(): Promise<GPUCompilationInfo> {
    const record = GPUShaderModuleSlot.of(this);
    const { device } = record;
    const reply = await device.connection.request(device, (writer, request) =>
      writeShaderModuleGetCompilationInfo(writer, request, record),
    );
    const messages = reply?.kind === "compilationInfo" ? reply.messages : [];
    return new GPUCompilationInfo(constructKey, messages);
  }

  static {
    defineInterface(this);
  }
}
