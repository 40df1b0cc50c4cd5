const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** One frame of RFC 6455, as a client (with a mask) or a server (without) sends it. */
export function webSocketFrame(
  opcode: number,
  payload: Uint8Array,
  { mask, isFinal }: { readonly mask: Uint8Array | undefined; readonly isFinal: boolean },
): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < LENGTH_16 ? 2 : length < 2 ** 16 ? 4 : 10);
  header[0] = (isFinal ? 0x80 : 0) | opcode;
  const masked = mask === undefined ? 0 : 0x80;
  if (header.length === 2) header[1] = masked | length;
  else if (header.length === 4) {
    header[1] = masked | LENGTH_16;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = masked | LENGTH_64;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  if (mask === undefined) return Buffer.concat([header, payload]);
  const hidden = Buffer.from(payload).map((byte, at) => byte ^ mask[at % 4]!);
  return Buffer.concat([header, mask, hidden]);
}
