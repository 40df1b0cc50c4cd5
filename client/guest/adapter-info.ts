import { type ConstructKey, defineInterface, requireConstructKey } from "./interface.ts";

export type AdapterInfo = {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly isFallbackAdapter: boolean;
};

export class GPUAdapterInfo implements globalThis.GPUAdapterInfo {
  readonly #info: AdapterInfo;
  declare readonly __brand: "GPUAdapterInfo";

  constructor(key: ConstructKey, info: AdapterInfo) {
    requireConstructKey(key);
    this.#info = info;
  }

  get vendor(): string {
    return this.#info.vendor;
  }

  get architecture(): string {
    return this.#info.architecture;
  }

  get device(): string {
    return this.#info.device;
  }

  get description(): string {
    return this.#info.description;
  }

  get subgroupMinSize(): number {
    return this.#info.subgroupMinSize;
  }

  get subgroupMaxSize(): number {
    return this.#info.subgroupMaxSize;
  }

  get isFallbackAdapter(): boolean {
    return this.#info.isFallbackAdapter;
  }

  static {
    defineInterface(this);
  }
}
