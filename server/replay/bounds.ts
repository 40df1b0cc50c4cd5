/**
 * What a session may take of its host, as its profile says. The gateway sends it to the worker, which
 * may change while it runs.
 */
export type Bounds = {
  /** GPU memory of buffers, textures and query sets, in MiB. Bounds a memory bomb. */
  readonly gpuMemoryMb: number;
  /** Objects alive, over all kinds. Bounds what a flood of small objects takes of the host. */
  readonly objects: number;
  /**
   * Host memory of mapped buffers, staged payloads, shaders' text and recorded commands, in MiB. Bounds a flood of
   * maps, of which each takes host memory even where the GPU has none, and a recording without end.
   */
  readonly mappedMemoryMb: number;
  /** The text of one shader module, in KiB. A compiler was measured to take 400 times as much of memory. */
  readonly shaderKb: number;
  /** Shader modules and pipelines made a second; faster programs wait. Bounds the time of compilers. */
  readonly compilesPerSecond: number;
  /** Uncaptured errors told a second; further ones are told together. Bounds the replies to a program that errs in a loop. */
  readonly errorsPerSecond: number;
  /** Bytes written to buffers and textures, in MiB a second; faster programs wait. Bounds Dawn's staging memory. */
  readonly uploadMbPerSecond: number;
  /** Bytes mapped for reading, in MiB a second; faster programs wait. Bounds what the link to the guest carries. */
  readonly readbackMbPerSecond: number;
  /** Vertices of one draw, with its instances: a draw over it loses the device. Bounds the time of one command. */
  readonly maxDrawVertices: number;
  /** Workgroups of one dispatch: one over it loses the device. Bounds the time of one command. */
  readonly maxDispatchWorkgroups: number;
};

/** Far above what any honest program was seen to need. A profile may say otherwise. */
export const DEFAULT_BOUNDS: Bounds = {
  gpuMemoryMb: 1024,
  objects: 65_536,
  mappedMemoryMb: 1024,
  shaderKb: 1024,
  compilesPerSecond: 500,
  errorsPerSecond: 100,
  uploadMbPerSecond: 2048,
  readbackMbPerSecond: 2048,
  maxDrawVertices: 2 ** 30,
  maxDispatchWorkgroups: 2 ** 28,
};
