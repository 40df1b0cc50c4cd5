import type {
  GPUColorDict,
  GPUExtent3DDict,
  GPUOrigin3DDict,
} from "#shared/wire/gen/dictionaries.ts";
import { toDouble, toSequence, toUint32 } from "./webidl.ts";

// The sequences that are short for dictionaries, with the checks of their lengths.

function numbers(value: Iterable<unknown>, name: string, fewest: number, most: number): number[] {
  const items = toSequence(value, (item) => toUint32(item, name), name);
  requireLength(items.length, name, fewest, most);
  return items;
}

function requireLength(length: number, name: string, fewest: number, most: number): void {
  if (length < fewest || length > most) {
    const range = fewest === most ? String(most) : `${fewest} to ${most}`;
    throw new TypeError(`A ${name} as a sequence has ${range} elements, not ${length}.`);
  }
}

export function colorOfSequence(value: Iterable<unknown>): GPUColorDict {
  const items = toSequence(value, (item) => toDouble(item, "GPUColor"), "GPUColor");
  requireLength(items.length, "GPUColor", 4, 4);
  const [r, g, b, a] = items;
  return { r: r!, g: g!, b: b!, a: a! };
}

export type Origin2D = { readonly x: number; readonly y: number };

export function origin2DOfSequence(value: Iterable<unknown>): Origin2D {
  const [x = 0, y = 0] = numbers(value, "GPUOrigin2D", 0, 2);
  return { x, y };
}

export function origin3DOfSequence(value: Iterable<unknown>): GPUOrigin3DDict {
  const [x = 0, y = 0, z = 0] = numbers(value, "GPUOrigin3D", 0, 3);
  return { x, y, z };
}

export function extentOfSequence(value: Iterable<unknown>): GPUExtent3DDict {
  const [width, height = 1, depthOrArrayLayers = 1] = numbers(value, "GPUExtent3D", 1, 3);
  return { width: width!, height, depthOrArrayLayers };
}
