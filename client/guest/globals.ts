import { GPUAdapter } from "./adapter.ts";
import { GPUAdapterInfo } from "./adapter-info.ts";
import { GPUBuffer } from "./buffer.ts";
import { GPUCanvasContext } from "./canvas-context.ts";
import { GPUCommandEncoder } from "./command-encoder.ts";
import { GPUCompilationInfo, GPUCompilationMessage } from "./compilation-info.ts";
import { GPUDevice } from "./device.ts";
import * as errors from "./errors.ts";
import { GPUExternalTexture } from "./external-texture.ts";
import { GPUSupportedFeatures, WGSLLanguageFeatures } from "./features.ts";
import * as flags from "./flags.ts";
import { GPUComputePassEncoder } from "./gen/compute-pass-encoder.ts";
import * as plain from "./gen/plain-objects.ts";
import { GPURenderBundleEncoder } from "./gen/render-bundle-encoder.ts";
import { GPURenderPassEncoder } from "./gen/render-pass-encoder.ts";
import { GPUSupportedLimits } from "./gen/supported-limits.ts";
import { GPU } from "./gpu.ts";
import { GPUComputePipeline, GPURenderPipeline } from "./pipelines.ts";
import { GPUQuerySet } from "./query-set.ts";
import { GPUQueue } from "./queue.ts";
import { GPUShaderModule } from "./shader-module.ts";
import { GPUTexture } from "./texture.ts";

const GLOBALS: Readonly<Record<string, object>> = {
  GPU,
  GPUAdapter,
  GPUAdapterInfo,
  GPUBindGroup: plain.GPUBindGroup,
  GPUBindGroupLayout: plain.GPUBindGroupLayout,
  GPUBuffer,
  GPUBufferUsage: flags.GPUBufferUsage,
  GPUCanvasContext,
  GPUColorWrite: flags.GPUColorWrite,
  GPUCommandBuffer: plain.GPUCommandBuffer,
  GPUCommandEncoder,
  GPUCompilationInfo,
  GPUCompilationMessage,
  GPUComputePassEncoder,
  GPUComputePipeline,
  GPUDevice,
  GPUDeviceLostInfo: errors.GPUDeviceLostInfo,
  GPUError: errors.GPUError,
  GPUExternalTexture,
  GPUInternalError: errors.GPUInternalError,
  GPUMapMode: flags.GPUMapMode,
  GPUOutOfMemoryError: errors.GPUOutOfMemoryError,
  GPUPipelineError: errors.GPUPipelineError,
  GPUPipelineLayout: plain.GPUPipelineLayout,
  GPUQuerySet,
  GPUQueue,
  GPURenderBundle: plain.GPURenderBundle,
  GPURenderBundleEncoder,
  GPURenderPassEncoder,
  GPURenderPipeline,
  GPUSampler: plain.GPUSampler,
  GPUShaderModule,
  GPUShaderStage: flags.GPUShaderStage,
  GPUSupportedFeatures,
  GPUSupportedLimits,
  GPUTexture,
  GPUTextureUsage: flags.GPUTextureUsage,
  GPUTextureView: plain.GPUTextureView,
  GPUUncapturedErrorEvent: errors.GPUUncapturedErrorEvent,
  GPUValidationError: errors.GPUValidationError,
  WGSLLanguageFeatures,
};

/** Defines the interfaces and namespaces of WebGPU on a global object, as WebIDL does. */
export function installGlobals(target: object): void {
  for (const [name, value] of Object.entries(GLOBALS)) {
    Object.defineProperty(target, name, { value, writable: true, configurable: true });
  }
}
