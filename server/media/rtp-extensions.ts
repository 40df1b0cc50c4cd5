// RTP header extensions that a viewer's stream carries (RFC 8285, one-byte form).

export const ExtensionUri = {
  transportWide: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  absSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
  absCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  playoutDelay: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
} as const;

/** Least and most playout delay of 0: a browser shows each frame as soon as it is decoded. */
export const NO_PLAYOUT_DELAY = Buffer.alloc(3);

const NTP_OFFSET_SECONDS = 2_208_988_800;

/** Wall clock in milliseconds since 1970, finer than Date.now(). */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

/** 32.32 fixed-point seconds since 1900 (RFC 5905). */
export function ntpTime(wallMs: number): bigint {
  const seconds = wallMs / 1000 + NTP_OFFSET_SECONDS;
  const whole = Math.floor(seconds);
  return (BigInt(whole) << 32n) | BigInt(Math.floor((seconds - whole) * 2 ** 32));
}

/** 6.18 fixed-point seconds. */
export function absSendTime(wallMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(3);
  bytes.writeUIntBE(Math.floor(((wallMs / 1000) % 64) * 2 ** 18), 0, 3);
  return bytes;
}

export function absCaptureTime(wallMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(ntpTime(wallMs));
  return bytes;
}

export function transportWide(sequence: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(sequence);
  return bytes;
}
