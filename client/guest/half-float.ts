/** float16 bits of a number between 0 and 65504, rounded to nearest. */
export function toHalfBits(value: number): number {
  if (value >= 2 ** -14) {
    const exponent = Math.floor(Math.log2(value));
    // A mantissa that rounds up to 2048 carries into the exponent, as the addition does.
    return ((exponent + 14) << 10) + Math.round(value * 2 ** (10 - exponent));
  }
  return Math.round(value * 2 ** 24);
}
