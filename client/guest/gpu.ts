import { GPU_FEATURE_NAME_NUMBERS } from "#shared/wire/gen/enums.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { writeRequestAdapter } from "#shared/wire/gen/write-commands.ts";
import type { AdapterReply } from "#shared/wire/replies.ts";
import { GPUAdapter } from "./adapter.ts";
import { GPUAdapterInfo } from "./adapter-info.ts";
import type { Connection } from "./connection.ts";
import { GPUSupportedFeatures, WGSLLanguageFeatures } from "./features.ts";
import { toGPURequestAdapterOptions } from "./gen/dictionaries.ts";
import { GPUAdapterSlot } from "./gen/slots.ts";
import { GPUSupportedLimits } from "./gen/supported-limits.ts";
import {
  constructKey,
  type ConstructKey,
  defineInterface,
  requireConstructKey,
} from "./interface.ts";
import { completeLimits } from "./limits.ts";
import { AdapterRecord } from "./records.ts";
import { wrapTracked } from "./wrap.ts";

const FEATURE_LEVELS: ReadonlySet<string> = new Set(["core", "compatibility"]);

export class GPU implements globalThis.GPU {
  readonly #connection: Connection;
  readonly #wgslLanguageFeatures: WGSLLanguageFeatures;
  declare readonly __brand: "GPU";

  constructor(key: ConstructKey, connection: Connection) {
    requireConstructKey(key);
    this.#connection = connection;
    this.#wgslLanguageFeatures = new WGSLLanguageFeatures(
      constructKey,
      connection.wgslLanguageFeatures,
    );
  }

  async requestAdapter(
    options: GPURequestAdapterOptions | undefined = undefined,
  ): Promise<globalThis.GPUAdapter | null> {
    const connection = this.#connection;
    const typed = toGPURequestAdapterOptions(options);
    const welcome = await connection.open();
    if (welcome === undefined || !FEATURE_LEVELS.has(typed.featureLevel ?? "core")) return null;
    const { reply, handle } = await connection.requestObject(
      undefined,
      ObjectKind.GPUAdapter,
      (writer, request, made) => writeRequestAdapter(writer, request, made, typed),
    );
    if (reply?.kind !== "adapter" || reply.adapter === null) return null;
    const record = new AdapterRecord(connection, handle, describe(reply.adapter));
    return wrapTracked(GPUAdapter.prototype, GPUAdapterSlot, record);
  }

  getPreferredCanvasFormat(): GPUTextureFormat {
    return this.#connection.preferredCanvasFormat;
  }

  get wgslLanguageFeatures(): WGSLLanguageFeatures {
    return this.#wgslLanguageFeatures;
  }

  static {
    defineInterface(this);
  }
}

function describe({ features, limits, info }: AdapterReply) {
  // A name that this build does not know cannot be required, so it is not shown either.
  const known = features.filter((name) => Object.hasOwn(GPU_FEATURE_NAME_NUMBERS, name));
  return {
    features: new GPUSupportedFeatures(constructKey, new Set(known)),
    limits: new GPUSupportedLimits(constructKey, completeLimits(limits)),
    info: new GPUAdapterInfo(constructKey, info),
  };
}

export function createGPU(connection: Connection): globalThis.GPU {
  return new GPU(constructKey, connection);
}
