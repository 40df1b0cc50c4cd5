// H.264 byte streams (ITU-T H.264, Annex B): NAL units, each behind a start code 00 00 01.

/** nal_unit_type (table 7-1), as far as anything here asks for it. */
export const NalType = { slice: 1, idrSlice: 5, sei: 6, sps: 7, pps: 8, delimiter: 9 } as const;

export type NalUnit = {
  readonly type: number;
  /** A view from the NAL header's byte to before the next start code. */
  readonly bytes: Uint8Array;
};

export function* nalUnits(stream: Uint8Array): Generator<NalUnit> {
  let code = startCode(stream, 0);
  while (code < stream.length) {
    const start = code + 3;
    code = startCode(stream, start);
    let end = code;
    // A start code may be four bytes long, and a NAL unit never ends in a zero byte (7.4.1).
    while (end > start && stream[end - 1] === 0) end--;
    if (end > start) yield { type: stream[start]! & 0x1f, bytes: stream.subarray(start, end) };
  }
}

/** The index of the next 00 00 01 at or after `from`, or the stream's length. */
function startCode(stream: Uint8Array, from: number): number {
  for (let at = from + 2; ; at++) {
    at = stream.indexOf(1, at);
    if (at < 0) return stream.length;
    if (stream[at - 1] === 0 && stream[at - 2] === 0) return at - 2;
  }
}

/** Whether a decoder that knows nothing yet can start at this access unit: SPS, then PPS, then an IDR slice. */
export function startsDecoder(accessUnit: Uint8Array): boolean {
  let hasSps = false;
  let hasPps = false;
  for (const { type } of nalUnits(accessUnit)) {
    if (type === NalType.sps) hasSps = true;
    else if (type === NalType.pps) hasPps = hasSps;
    else if (type === NalType.idrSlice) return hasPps;
    else if (type === NalType.slice) return false;
  }
  return false;
}
