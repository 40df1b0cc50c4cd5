/** float16 bits of a number between 0 and 65504, rounded to nearest. */
export function toHalfBits(value: number): number {
  if (value >= 2 ** -14) {
    const exponent = Math.floor(Math.log2(value));
    // A mantissa that rounds up to 2048 carries into the exponent, as the addition does.
    return ((exponent + 14) << 10) + Math.round(value * 2 ** (10 - exponent));
  }
  return Math.round(value * 2 ** 24);
}

/** The number that float16 bits stand for. */
export function fromHalfBits(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
