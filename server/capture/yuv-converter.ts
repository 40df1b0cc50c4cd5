import type { CaptureSource } from "./capture.ts";
import { type VideoSize, readbackBytes } from "./readback.ts";
import { BufferUsage } from "./usage.ts";
import {
  YUV_PARAMETER_BYTES,
  type YuvVariant,
  createYuvPipeline,
  yuvParameters,
  yuvWorkgroups,
} from "./yuv-shader.ts";

type Target = {
  readonly width: number;
  readonly height: number;
  /** What the shader writes: a buffer that can be mapped cannot be written by a shader. */
  readonly video: GPUBuffer;
  readonly parameters: GPUBuffer;
};

/** Records the conversion of a device's canvas textures to video. Holds what it needs for one size. */
export class YuvConverter {
  readonly #device: GPUDevice;
  readonly #layout: YuvVariant["layout"];
  readonly #pipelines = new Map<YuvVariant["colorSpace"], GPUComputePipeline>();
  #target: Target | undefined;

  constructor(device: GPUDevice, layout: YuvVariant["layout"]) {
    this.#device = device;
    this.#layout = layout;
  }

  /** @param pitch bytes of a luma row in `buffer` */
  convert(
    encoder: GPUCommandEncoder,
    { texture, width, height, colorSpace }: CaptureSource,
    size: VideoSize,
    pitch: number,
    buffer: GPUBuffer,
  ): void {
    const pipeline = this.#pipeline(colorSpace);
    const { video, parameters } = this.#targetFor(width, height, size, pitch);
    const pass = encoder.beginComputePass({ label: "Heliograph colour conversion" });
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      this.#device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          { binding: 0, resource: texture.createView() },
          { binding: 1, resource: { buffer: video } },
          { binding: 2, resource: { buffer: parameters } },
        ],
      }),
    );
    pass.dispatchWorkgroups(...yuvWorkgroups(width, height));
    pass.end();
    encoder.copyBufferToBuffer(video, 0, buffer, 0, video.size);
  }

  close(): void {
    this.#target?.video.destroy();
    this.#target?.parameters.destroy();
    this.#target = undefined;
  }

  #pipeline(colorSpace: YuvVariant["colorSpace"]): GPUComputePipeline {
    let pipeline = this.#pipelines.get(colorSpace);
    if (pipeline === undefined) {
      pipeline = createYuvPipeline(this.#device, { layout: this.#layout, colorSpace });
      this.#pipelines.set(colorSpace, pipeline);
    }
    return pipeline;
  }

  #targetFor(width: number, height: number, size: VideoSize, pitch: number): Target {
    if (this.#target?.width === width && this.#target.height === height) return this.#target;
    this.close();
    const video = this.#device.createBuffer({
      label: "Heliograph video",
      size: readbackBytes(this.#layout, size),
      usage: BufferUsage.storage | BufferUsage.copySrc,
    });
    const parameters = this.#device.createBuffer({
      label: "Heliograph video parameters",
      size: YUV_PARAMETER_BYTES,
      usage: BufferUsage.uniform | BufferUsage.copyDst,
    });
    this.#device.queue.writeBuffer(parameters, 0, yuvParameters(width, height, pitch));
    this.#target = { width, height, video, parameters };
    return this.#target;
  }
}
