/**
 * Peak signal-to-noise ratio of two RGBA pictures of one size over red, green and blue, in decibels: 10 log10(255² / mean
 * squared error). Infinity where they are equal.
 */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length || a.length === 0) {
    throw new Error(`Pictures of ${a.length} and ${b.length} bytes have no PSNR.`);
  }
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    if ((at & 3) === 3) continue;
    const difference = a[at]! - b[at]!;
    sum += difference * difference;
  }
  return 10 * Math.log10((255 * 255) / (sum / (a.length * 0.75)));
}

/** The largest difference of any red, green or blue between two RGBA pictures of one size. */
export function largestDifference(a: Uint8Array, b: Uint8Array): number {
  let largest = 0;
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    if ((at & 3) !== 3) largest = Math.max(largest, Math.abs((a[at] ?? 999) - (b[at] ?? 999)));
  }
  return largest;
}
