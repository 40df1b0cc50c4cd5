// Limits on what a guest may ask of the gateway. Each is enforced by the receiver and is never
// negotiated, so it is set far above any honest guest's need; exceeding one ends the connection.

/** Objects of one kind alive at once. Bounds the memory of the id table, which is indexed by id. */
export const MAX_LIVE_OBJECTS = 65_536;

/** One frame's payload. Bounds what a receiver holds of an unfinished frame. */
export const MAX_FRAME_BYTES = 1 << 20;

/** Bulk data travels in chunks of this size, so that ticks, input and replies may overtake it. */
export const PAYLOAD_CHUNK_BYTES = 256 * 1024;

/** The staged payload of one command. Bounds the worker's memory for data not yet taken. */
export const MAX_PAYLOAD_BYTES = 1024 ** 3;
