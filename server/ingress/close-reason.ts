/** A close reason's room: a WebSocket control frame holds 125 bytes, 2 of them the code. */
export const MAX_REASON_BYTES = 123;
const ELLIPSIS = "…";

/** Cuts a sentence to what fits a close frame, on a character boundary. */
export function closeReason(sentence: string): string {
  const bytes = Buffer.from(sentence);
  if (bytes.length <= MAX_REASON_BYTES) return sentence;
  let end = MAX_REASON_BYTES - Buffer.byteLength(ELLIPSIS);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end) + ELLIPSIS;
}
