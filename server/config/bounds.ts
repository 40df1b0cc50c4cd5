import { z } from "zod";
import { type Bounds, DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { MAX_STRING_BYTES } from "#shared/wire/limits.ts";

/** 1 TiB: more than any GPU has. */
export const MAX_MB = 1024 * 1024;
/** WebGPU's own smallest guarantees (a buffer of 256 MiB) leave nothing to show below a part of it. */
export const MIN_GPU_MB = 16;
/** Of all kinds together; the costly ones have their own limits beside it. Bounds the memory of a worker's id tables. */
export const MAX_OBJECTS = 1_000_000;
/** A shader's text travels as one string. */
export const MAX_SHADER_KB = MAX_STRING_BYTES / 1024;
/** More than any worker manages: a mistyped number that would stand for no bound at all is told. */
export const MAX_PER_SECOND = 1_000_000;

/** The fields of a profile that bound what a session takes of its worker's host: see Bounds. */
export const boundsFields = {
  gpuMemoryMb: whole(MIN_GPU_MB, MAX_MB).default(DEFAULT_BOUNDS.gpuMemoryMb),
  objects: whole(1, MAX_OBJECTS).default(DEFAULT_BOUNDS.objects),
  mappedMemoryMb: whole(1, MAX_MB).default(DEFAULT_BOUNDS.mappedMemoryMb),
  shaderKb: whole(1, MAX_SHADER_KB).default(DEFAULT_BOUNDS.shaderKb),
  compilesPerSecond: whole(1, MAX_PER_SECOND).default(DEFAULT_BOUNDS.compilesPerSecond),
  errorsPerSecond: whole(1, MAX_PER_SECOND).default(DEFAULT_BOUNDS.errorsPerSecond),
  uploadMbPerSecond: whole(1, MAX_MB).default(DEFAULT_BOUNDS.uploadMbPerSecond),
  readbackMbPerSecond: whole(1, MAX_MB).default(DEFAULT_BOUNDS.readbackMbPerSecond),
  maxDrawVertices: whole(1, Number.MAX_SAFE_INTEGER).default(DEFAULT_BOUNDS.maxDrawVertices),
  maxDispatchWorkgroups: whole(1, Number.MAX_SAFE_INTEGER).default(
    DEFAULT_BOUNDS.maxDispatchWorkgroups,
  ),
};

const bounds = z.object(boundsFields);

/** What a worker is told of a profile. */
export function boundsOf(profile: Bounds): Bounds {
  return bounds.parse(profile); // Without the profile's other fields.
}

function whole(least: number, most: number): z.ZodNumber {
  return z.number().int().min(least).max(most);
}
