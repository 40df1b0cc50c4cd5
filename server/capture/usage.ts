// Values of WebGPU's GPUBufferUsage, GPUMapMode and GPUTextureUsage, which exist as globals only in browsers.

export const BufferUsage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
} as const;

export const MAP_READ = 0x0001;

export const TextureUsage = { copySrc: 0x01, textureBinding: 0x04 } as const;
