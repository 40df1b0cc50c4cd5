// JavaScript value → WebIDL value, as https://webidl.spec.whatwg.org/#js-type-mapping says. Each throws
// the TypeError that the conversion asks for. `what` names the value in it: "GPUBufferDescriptor.size".

const MAX_UINT32 = 0xffff_ffff;
const MAX_UINT16 = 0xffff;
const MIN_INT32 = -0x8000_0000;
const MAX_INT32 = 0x7fff_ffff;

/** ToNumber, which refuses symbols as Number() does, and BigInts as Number() does not. */
function toNumber(value: unknown): number {
  if (typeof value === "bigint") throw new TypeError("A BigInt is not converted to a number.");
  return Number(value);
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

function enforceRange(value: unknown, low: number, high: number, what: string): number {
  const number = Math.trunc(toNumber(value));
  if (!(number >= low && number <= high)) {
    throw new TypeError(`${what} (${describe(value)}) is outside ${low} to ${high}.`);
  }
  return number + 0; // -0 becomes 0.
}

/** [EnforceRange] unsigned long. */
export function toUint32(value: unknown, what: string): number {
  if (typeof value === "number" && value >>> 0 === value) return value + 0;
  return enforceRange(value, 0, MAX_UINT32, what);
}

/** unsigned long, modulo 2³². */
export function toUint32Modulo(value: unknown): number {
  return toNumber(value) >>> 0;
}

/** [EnforceRange] unsigned long long: up to 2⁵³ - 1, so that a number holds it exactly. */
export function toUint64(value: unknown, what: string): number {
  if (typeof value === "number" && value >>> 0 === value) return value + 0;
  return enforceRange(value, 0, Number.MAX_SAFE_INTEGER, what);
}

/** [EnforceRange] long. */
export function toInt32(value: unknown, what: string): number {
  if (typeof value === "number" && (value | 0) === value) return value + 0;
  return enforceRange(value, MIN_INT32, MAX_INT32, what);
}

/** [Clamp] unsigned short: halves go to the even neighbour, NaN to 0. */
export function toClampedUint16(value: unknown): number {
  const number = toNumber(value);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), MAX_UINT16);
  const floor = Math.floor(clamped);
  const rest = clamped - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export function toFloat(value: unknown, what: string): number {
  const number = Math.fround(toNumber(value));
  if (!Number.isFinite(number)) {
    throw new TypeError(`${what} (${describe(value)}) is not a finite float.`);
  }
  return number;
}

export function toDouble(value: unknown, what: string): number {
  const number = toNumber(value);
  if (!Number.isFinite(number)) {
    throw new TypeError(`${what} (${describe(value)}) is not a finite number.`);
  }
  return number;
}

export function toBoolean(value: unknown): boolean {
  return Boolean(value);
}

export function toDOMString(value: unknown): string {
  // Not String(), which takes symbols.
  return typeof value === "string" ? value : "".concat(value as string);
}

/** A lone surrogate becomes U+FFFD, so that UTF-8 holds every string. */
export function toUSVString(value: unknown): string {
  return toDOMString(value).toWellFormed();
}

/** `values` has the enum's values for keys. */
export function toEnum<E extends string>(
  value: unknown,
  values: Readonly<Record<E, unknown>>,
  what: string,
): E {
  const string = toDOMString(value);
  if (!Object.hasOwn(values, string)) {
    throw new TypeError(`${what} ("${string}") is not one of ${Object.keys(values).join(", ")}.`);
  }
  return string as E;
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** A dictionary's members are read from the result; null and undefined are the empty dictionary. */
export function toDictionary(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return EMPTY;
  if (!isObject(value)) throw new TypeError(`${what} (${describe(value)}) is not an object.`);
  return value as Record<string, unknown>;
}

const EMPTY: Record<string, unknown> = Object.freeze(Object.create(null));

export function missingMember(what: string): TypeError {
  return new TypeError(`The required member ${what} is missing.`);
}

/** Whether a union of a sequence and a dictionary takes this value for a sequence. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  if (!isObject(value)) return false;
  const method = (value as { [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (method === undefined || method === null) return false;
  if (typeof method !== "function") throw new TypeError("Symbol.iterator is not a function.");
  return true;
}

export function toSequence<T>(value: unknown, item: (value: unknown) => T, what: string): T[] {
  if (!isIterable(value)) {
    throw new TypeError(`${what} (${describe(value)}) is not iterable.`);
  }
  const result: T[] = [];
  if (Array.isArray(value) && value[Symbol.iterator] === Array.prototype[Symbol.iterator]) {
    // What the iterator would do, without it.
    for (let index = 0; index < value.length; index++) result.push(item(value[index]));
  } else {
    for (const element of value) result.push(item(element));
  }
  return result;
}

/**
 * record<K, V>: own enumerable properties in order; a symbol among the keys throws. What converts
 * to undefined is left out. The result has no prototype.
 */
export function toRecord<V>(
  value: unknown,
  key: (value: unknown) => string,
  item: (value: unknown) => V | undefined,
  what: string,
): Record<string, V> {
  if (!isObject(value)) throw new TypeError(`${what} (${describe(value)}) is not an object.`);
  const result: Record<string, V> = Object.create(null);
  for (const property of Reflect.ownKeys(value)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, property);
    if (descriptor?.enumerable !== true) continue;
    const typedKey = key(property);
    const typedValue = item(Reflect.get(value, property));
    if (typedValue !== undefined) result[typedKey] = typedValue;
  }
  return result;
}

/** The name of a typed array's class, from its internal slot: the same in every realm. */
function typedArrayName(view: ArrayBufferView): unknown {
  const prototype = Reflect.getPrototypeOf(Uint8Array.prototype)!;
  return Reflect.get(prototype, Symbol.toStringTag, view);
}

/** The bytes of a value, and how many bytes its unit of offsets and sizes is. */
export type SourceBytes = { readonly bytes: Uint8Array; readonly unit: number };

/** [AllowShared] BufferSource. The bytes are a view, not a copy. */
export function toBytes(value: unknown, what: string): SourceBytes {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const unit = (value as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    return { bytes, unit: value instanceof DataView ? 1 : unit };
  }
  if (isBuffer(value)) return { bytes: new Uint8Array(value), unit: 1 };
  throw new TypeError(`${what} (${describe(value)}) is neither a buffer nor a view of one.`);
}

function isBuffer(value: unknown): value is ArrayBuffer {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

/** [AllowShared] Uint32Array, of whichever realm. */
export function toUint32Array(value: unknown, what: string): Uint32Array {
  if (ArrayBuffer.isView(value) && typedArrayName(value) === "Uint32Array") {
    return value as Uint32Array;
  }
  throw new TypeError(`${what} (${describe(value)}) is not a Uint32Array.`);
}

export function requireObject(value: unknown, what: string): object {
  if (!isObject(value)) throw new TypeError(`${what} (${describe(value)}) is not an object.`);
  return value;
}

export function tooFewArguments(count: number, required: number, method: string): TypeError {
  return new TypeError(`${method} needs ${required} arguments and got ${count}.`);
}

export function requireArguments(count: number, required: number, method: string): void {
  if (count < required) throw tooFewArguments(count, required, method);
}

export function illegalConstructor(): TypeError {
  return new TypeError("Illegal constructor");
}
