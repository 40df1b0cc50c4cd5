import { defineInterface } from "./interface.ts";
import { illegalConstructor } from "./webidl.ts";

/** There is none: importExternalTexture throws. Programs look for the class. */
export class GPUExternalTexture {
  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    throw new TypeError("The value is not a GPUExternalTexture.");
  }

  set label(_value: string) {
    throw new TypeError("The value is not a GPUExternalTexture.");
  }

  static {
    defineInterface(this);
  }
}
