// Limits on what a guest may ask of the gateway. Each is enforced by the receiver and is never
// negotiated, so it is set far above any honest guest's need; exceeding one ends the connection.

/** Objects of one kind alive at once. Bounds the memory of the id table, which is indexed by id. */
export const MAX_LIVE_OBJECTS = 262_144;

/** Canvases of one connection alive at once. Each may be shown, and then the gateway keeps its size. */
export const MAX_LIVE_SURFACES = 64;

/** One frame's payload. Bounds what a receiver holds of an unfinished frame. */
export const MAX_FRAME_BYTES = 1 << 20;

/** Bulk data travels in chunks of this size, so that ticks, input and replies may overtake it. */
export const PAYLOAD_CHUNK_BYTES = 256 * 1024;

/** The staged payload of one command. Bounds the worker's memory for data not yet taken. */
export const MAX_PAYLOAD_BYTES = 1024 ** 3;

/**
 * Bulk data inside a command. More is staged, so that one command cannot hold up ticks and replies
 * for long, and a batch stays within a frame.
 */
export const MAX_INLINE_BYTES = 64 * 1024;

/** A staged batch of commands. Bounds the objects that decoding one command can make. */
export const MAX_STAGED_COMMANDS_BYTES = 32 * 1024 * 1024;

/** One string in UTF-8; the longest are shaders. Bounds what decoding one takes, which is twice that. */
export const MAX_STRING_BYTES = 16 * 1024 * 1024;

/** A label, debug group or marker in UTF-8. Kept as long as its object lives, so bounds their sum. */
export const MAX_LABEL_BYTES = 1024;

/** Elements of one sequence. An element may be one byte on the wire and a hundred in memory. */
export const MAX_SEQUENCE_COUNT = 65_536;

/** Entries of one record. Bounds the work of hashing keys that the guest chose. */
export const MAX_RECORD_COUNT = 4096;

/** The name that a guest gives itself in its hello, in UTF-8. It is logged. */
export const MAX_CLIENT_NAME_BYTES = 256;

/** A message in a reply, in UTF-8. Dawn quotes what the guest sent; the reply must fit in a frame. */
export const MAX_MESSAGE_BYTES = 8 * 1024;

/** Messages in one compilation info, for the same reason. */
export const MAX_COMPILATION_MESSAGES = 100;

/** Promises of one connection that wait for a reply. Bounds what a guest makes the worker remember. */
export const MAX_PENDING_REQUESTS = 65_536;

/**
 * How often a program may begin or end to animate: twice a frame at 120 frames a second. Each is told to the gateway,
 * which kills a worker that says too much.
 */
export const MAX_ANIMATION_CHANGES_PER_SECOND = 240;
