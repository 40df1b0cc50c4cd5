import { ProtocolError } from "#shared/wire/errors.ts";

// H.264 as it comes from a worker (Annex B) and as it leaves in RTP (RFC 6184, packetization mode 1).

/** NAL unit types: ITU-T H.264, table 7-1. */
const NalType = {
  slice: 1,
  idrSlice: 5,
  supplemental: 6,
  sequenceParameters: 7,
  pictureParameters: 8,
  delimiter: 9,
  filler: 12,
} as const;

const FU_A = 28; // RFC 6184, 5.8

/**
 * NAL units in one access unit, delimiters and filler among them. Bounds the packets that a worker can make of few
 * bytes, and the thread's time for units that are left out.
 */
export const MAX_NAL_UNITS = 256;

/**
 * RTP payload of one packet. With headers, extensions, SRTP's tag and RTX's two bytes a packet stays
 * under IPv6's least MTU of 1280 bytes.
 */
export const MAX_RTP_PAYLOAD_BYTES = 1160;

/**
 * Cuts an access unit into its NAL units, without start codes, delimiters and filler. Throws
 * ProtocolError where it is not what a worker's encoder makes: a key frame is SPS, PPS and IDR
 * slices; any other frame has slices and no IDR slice.
 */
export function readAccessUnit(bytes: Uint8Array, isKeyFrame: boolean): Uint8Array[] {
  const units: Uint8Array[] = [];
  let count = 0;
  let hasSlice = false;
  let hasPictureParameters = false;
  for (const unit of nalUnits(bytes)) {
    if (++count > MAX_NAL_UNITS) {
      throw new ProtocolError(`An access unit has over ${MAX_NAL_UNITS} NAL units.`);
    }
    const [header] = unit;
    if (header === undefined) throw new ProtocolError("An access unit has an empty NAL unit.");
    if ((header & 0x80) !== 0) throw new ProtocolError("A NAL unit has its forbidden bit set.");
    const type = header & 0x1f;
    switch (type) {
      case NalType.delimiter:
      case NalType.filler:
        continue;
      case NalType.supplemental:
      case NalType.sequenceParameters:
        break;
      case NalType.pictureParameters:
        hasPictureParameters = true;
        break;
      case NalType.slice:
      case NalType.idrSlice:
        if ((type === NalType.idrSlice) !== isKeyFrame) {
          throw new ProtocolError(
            `A frame said ${isKeyFrame ? "" : "not "}to be a key frame has a slice of type ${type}.`,
          );
        }
        hasSlice = true;
        break;
      default:
        throw new ProtocolError(`A NAL unit's type (${type}) is none that an encoder here makes.`);
    }
    if (units.length === 0 && isKeyFrame && type !== NalType.sequenceParameters) {
      throw new ProtocolError(
        `A key frame begins with a NAL unit of type ${type}, not with SPS (7).`,
      );
    }
    units.push(unit);
  }
  if (!hasSlice) throw new ProtocolError("An access unit has no slice.");
  if (isKeyFrame && !hasPictureParameters) throw new ProtocolError("A key frame has no PPS.");
  return units;
}

/** Yields what stands between start codes (H.264, annex B). */
function* nalUnits(bytes: Uint8Array): Generator<Uint8Array> {
  const first = startCode(bytes, 0);
  if (first === undefined || first.at !== 0) {
    throw new ProtocolError("An access unit does not begin with an Annex B start code.");
  }
  let begin = first.end;
  for (;;) {
    const next = startCode(bytes, begin);
    yield bytes.subarray(begin, next?.at ?? bytes.length);
    if (next === undefined) return;
    begin = next.end;
  }
}

/**
 * The next 00 00 01 or 00 00 00 01 at or after `from`. Looks at no byte but once, whatever they are, and at one in three
 * of most.
 */
function startCode(bytes: Uint8Array, from: number): { at: number; end: number } | undefined {
  for (let one = from + 2; one < bytes.length;) {
    if (bytes[one] === 0) one += 1;
    else if (bytes[one] === 1 && bytes[one - 1] === 0 && bytes[one - 2] === 0) {
      const isLong = one - 3 >= from && bytes[one - 3] === 0;
      return { at: isLong ? one - 3 : one - 2, end: one + 1 };
    } else one += 3; // Behind what is not 0, a start code takes two bytes before its 1.
  }
  return undefined;
}

/**
 * The RTP payloads of one access unit: a NAL unit a packet, or fragments (FU-A) where it is larger.
 * The payloads are fresh memory, so that the access unit's may go.
 */
export function packetize(units: readonly Uint8Array[]): Buffer[] {
  const payloads: Buffer[] = [];
  for (const unit of units) {
    if (unit.length <= MAX_RTP_PAYLOAD_BYTES) {
      payloads.push(Buffer.from(unit));
      continue;
    }
    const header = unit[0]!;
    const indicator = (header & 0xe0) | FU_A;
    const type = header & 0x1f;
    const most = MAX_RTP_PAYLOAD_BYTES - 2;
    // Fragments of one size: the last is no runt.
    const count = Math.ceil((unit.length - 1) / most);
    const size = Math.ceil((unit.length - 1) / count);
    for (let at = 1; at < unit.length; at += size) {
      const end = Math.min(at + size, unit.length);
      const payload = Buffer.allocUnsafe(2 + end - at);
      payload[0] = indicator;
      payload[1] = type | (at === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0);
      payload.set(unit.subarray(at, end), 2);
      payloads.push(payload);
    }
  }
  return payloads;
}
