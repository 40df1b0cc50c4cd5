import { type Bounds, DEFAULT_BOUNDS } from "#server/replay/bounds.ts";

/** The bounds that a file names, and no more than the defaults: the file may be a stranger's. */
export function lowerBounds(named: Bounds): {
  readonly bounds: Bounds;
  /** What the file has more of, such as "gpuMemoryMb (4096)". */
  readonly lowered: readonly string[];
} {
  const lowered: string[] = [];
  const lower = (name: keyof Bounds): number => {
    if (named[name] > DEFAULT_BOUNDS[name]) lowered.push(`${name} (${named[name]})`);
    return Math.min(named[name], DEFAULT_BOUNDS[name]);
  };
  const bounds: Bounds = {
    gpuMemoryMb: lower("gpuMemoryMb"),
    objects: lower("objects"),
    mappedMemoryMb: lower("mappedMemoryMb"),
    shaderKb: lower("shaderKb"),
    compilesPerSecond: lower("compilesPerSecond"),
    errorsPerSecond: lower("errorsPerSecond"),
    uploadMbPerSecond: lower("uploadMbPerSecond"),
    readbackMbPerSecond: lower("readbackMbPerSecond"),
    maxDrawVertices: lower("maxDrawVertices"),
    maxDispatchWorkgroups: lower("maxDispatchWorkgroups"),
  };
  return { bounds, lowered };
}
