import { FRAME_HEADER_BYTES } from "#shared/wire/frames.ts";
import { MAX_FRAME_BYTES } from "#shared/wire/limits.ts";

// The WebSocket between a relay (or a browser guest) and the gateway: one for each program.
// Up, binary messages are chunks of the program's byte stream, cut anywhere. Down, one is one frame.
//
// There are two subprotocols. Under the plain one that is all: the end of the WebSocket is the end of
// the program's connection. Under the resumable one text messages go between, in control.ts: both sides
// count the bytes, keep what the other has not acknowledged, and go on over a new WebSocket when one breaks.

export const GUEST_PATH = "/guest";
/** For a guest that never resumes. Changes when guests and gateways of different versions can no longer talk. */
export const GUEST_SUBPROTOCOL = "heliograph.v1";
/** For a relay. The frames are those of the plain one. */
export const RESUMABLE_SUBPROTOCOL = "heliograph.v1.resume";

/** One up message. Bounds what the gateway holds of a message that never ends. */
export const MAX_UP_MESSAGE_BYTES = 1 << 20;
/** One down message: the largest frame, whole. */
export const MAX_DOWN_MESSAGE_BYTES = FRAME_HEADER_BYTES + MAX_FRAME_BYTES;

/** Both ends ping this often, whether or not they are reading. */
export const PING_INTERVAL_MS = 5_000;
/**
 * A peer of which nothing was heard for this long, while it was being read, is gone. Time during
 * which back-pressure paused the reading does not count: its pings wait behind its data.
 */
export const PEER_TIMEOUT_MS = 30_000;
/** The same for a resumable link, where giving a WebSocket up early costs little, and late the whole link. */
export const RESUMABLE_PEER_TIMEOUT_MS = 10_000;

/**
 * Up bytes that were sent and not acknowledged: those on the way and those that the gateway has not yet
 * handed to the worker. Bounds the gateway's memory for a program whose worker reads nothing. The gateway
 * never stops reading a resumable link, since acknowledgements come behind the data.
 */
export const UP_WINDOW_BYTES = 2 << 20;
/** What a relay keeps of a program's bytes; more stays with the program. Bounds the relay's memory. */
export const KEPT_UP_BYTES = 8 << 20;
/**
 * What a gateway keeps of the bytes to a program, and what a relay holds for a program that does not read.
 * The worker is paused at less than half of it; the rest is for what is under way then. Bounds the memory
 * of both for a peer that acknowledges nothing.
 */
export const KEPT_DOWN_BYTES = 5 << 20;
/** So many bytes are acknowledged together; far below the windows, so that they never close for want of it. */
export const ACKNOWLEDGE_EVERY_BYTES = 64 << 10;

/** WebSocket close codes (RFC 6455, section 7.4.1) that this link uses. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  /** Never sent: the WebSocket ended without a close frame. */
  abnormal: 1006,
  notUtf8: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
} as const;
