import type { GPUTextureDescriptor as WireTextureDescriptor } from "#shared/wire/gen/dictionaries.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { writeTextureCreateView, writeTextureDestroy } from "#shared/wire/gen/write-commands.ts";
import { memoryBlock } from "#shared/texels/texel-block.ts";
import { requireFormat } from "./formats.ts";
import { toGPUTextureViewDescriptor } from "./gen/dictionaries.ts";
import { GPUTextureView } from "./gen/plain-objects.ts";
import { GPUTextureSlot, GPUTextureViewSlot } from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { DeviceObject, type DeviceRecord, type TextureShape } from "./records.ts";
import { illegalConstructor, toUSVString } from "./webidl.ts";
import { wrapTracked } from "./wrap.ts";

export class GPUTexture implements globalThis.GPUTexture {
  declare readonly __brand: "GPUTexture";

  constructor() {
    throw illegalConstructor();
  }

  get width(): number {
    return GPUTextureSlot.of(this).shape.width;
  }

  get height(): number {
    return GPUTextureSlot.of(this).shape.height;
  }

  get depthOrArrayLayers(): number {
    return GPUTextureSlot.of(this).shape.depthOrArrayLayers;
  }

  get mipLevelCount(): number {
    return GPUTextureSlot.of(this).shape.mipLevelCount;
  }

  get sampleCount(): number {
    return GPUTextureSlot.of(this).shape.sampleCount;
  }

  get dimension(): GPUTextureDimension {
    return GPUTextureSlot.of(this).shape.dimension;
  }

  get format(): GPUTextureFormat {
    return GPUTextureSlot.of(this).shape.format;
  }

  get usage(): number {
    return GPUTextureSlot.of(this).shape.usage;
  }

  get textureBindingViewDimension(): GPUTextureViewDimension | undefined {
    return GPUTextureSlot.of(this).shape.textureBindingViewDimension;
  }

  get label(): string {
    return GPUTextureSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUTextureSlot.of(this), toUSVString(value));
  }

  createView(
    descriptor: GPUTextureViewDescriptor | undefined = undefined,
  ): globalThis.GPUTextureView {
    const texture = GPUTextureSlot.of(this);
    const { device, stream } = texture;
    const typed = toGPUTextureViewDescriptor(descriptor);
    if (typed.format !== undefined) requireFormat(device, typed.format);
    if (!/^[rgba01]{4}$/.test(typed.swizzle ?? "rgba")) {
      throw new TypeError(`The swizzle ("${typed.swizzle}") is not four of r, g, b, a, 0 and 1.`);
    }
    const kind = ObjectKind.GPUTextureView;
    const handle = stream.create(kind, (writer, made) =>
      writeTextureCreateView(writer, texture, made, typed),
    );
    const record = new DeviceObject(device, kind, handle, typed.label ?? "", texture);
    return wrapTracked(GPUTextureView.prototype, GPUTextureViewSlot, record);
  }

  destroy(): undefined {
    const texture = GPUTextureSlot.of(this);
    writeTextureDestroy(texture.stream.writer, texture);
    texture.stream.recorded();
    texture.stream.destroyed(texture);
  }

  static {
    defineInterface(this);
  }
}

/** Near enough to know when the collector should look: the worker reckons exactly. */
export function roughBytes(shape: TextureShape): number {
  const { width, height, depthOrArrayLayers, sampleCount, format } = shape;
  const block = memoryBlock(format);
  const blocks = Math.ceil(width / block.width) * Math.ceil(height / block.height);
  return blocks * block.bytes * depthOrArrayLayers * sampleCount;
}

/** What a texture's views are bound as: fixed on a device of the level "compatibility", and else undefined. */
export function bindingViewDimension(
  { features }: DeviceRecord,
  { dimension = "2d", size, textureBindingViewDimension }: WireTextureDescriptor,
): GPUTextureViewDimension | undefined {
  if (features.has("core-features-and-limits")) return undefined;
  if (textureBindingViewDimension !== undefined) return textureBindingViewDimension;
  return dimension === "2d" && (size.depthOrArrayLayers ?? 1) > 1 ? "2d-array" : dimension;
}
