import { FRAME_HEADER_BYTES } from "#shared/wire/frames.ts";
import { MAX_FRAME_BYTES } from "#shared/wire/limits.ts";

// The WebSocket between a relay (or a browser guest) and the gateway: one for each program.
// Up, messages are chunks of the program's byte stream, cut anywhere. Down, one message is one frame.

export const GUEST_PATH = "/guest";
/** Changes when relays and gateways of different versions can no longer talk. */
export const GUEST_SUBPROTOCOL = "heliograph.v1";

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

/** WebSocket close codes (RFC 6455, section 7.4.1) that this link uses. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  notUtf8: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
  tryAgain: 1013,
} as const;
