import type { Candidate, Description } from "#shared/signaling/messages.ts";

// Messages between the gateway's main thread and a media thread (structured clone), and the bytes
// on the Unix socket by which a worker hands access units to its session's media thread.

/** Where viewers reach this host. Nothing listens on an address that is not named here. */
export type IceOptions = {
  /**
   * Addresses to listen on and to offer as candidates. With one address a family, sockets are bound
   * to it; with more, to all interfaces (werift binds one), though only these are offered.
   */
  readonly hosts: readonly string[];
  /** UDP ports, inclusive; the system's choice when absent. */
  readonly portRange?: readonly [number, number];
  /** STUN and TURN servers; none is asked unless it is named here. */
  readonly servers: readonly {
    readonly urls: string;
    readonly username?: string;
    readonly credential?: string;
  }[];
};

/** Bits a second. */
export type BitrateBounds = {
  readonly min: number;
  readonly start: number;
  readonly max: number;
};

export const DEFAULT_BITRATES: BitrateBounds = {
  min: 300_000,
  start: 5_000_000,
  max: 20_000_000,
};

/** Loopback only: what a gateway uses unless it is told otherwise. */
export const LOOPBACK_ICE: IceOptions = { hosts: ["127.0.0.1"], servers: [] };

/** What a media thread is started with. */
export type MediaOptions = {
  /** A folder that only this user can enter (0700); the thread makes its worker socket in it. */
  readonly folder: string;
  readonly ice: IceOptions;
  readonly bitrates: BitrateBounds;
};

export type ToMedia =
  /**
   * The thread expects a worker for this session to dial its socket with this nonce (32 bytes, hex).
   * A nonce opens one socket. For a session that is open already, a new worker takes over: the old
   * one's socket is closed and viewers stay.
   */
  | {
      readonly type: "openSession";
      readonly session: string;
      readonly nonce: string;
      /** The profile's bound, also for a session that is open already; absent: the thread's own. */
      readonly maxBitrate?: number;
    }
  /** The session's profile has another bound; absent: the thread's own. */
  | { readonly type: "limitBitrate"; readonly session: string; readonly maxBitrate?: number }
  | { readonly type: "closeSession"; readonly session: string }
  /** The thread answers with the viewer's offer. */
  | {
      readonly type: "addViewer";
      readonly session: string;
      readonly viewer: string;
      readonly control: boolean;
    }
  | { readonly type: "removeViewer"; readonly viewer: string }
  | { readonly type: "description"; readonly viewer: string; readonly description: Description }
  | { readonly type: "candidate"; readonly viewer: string; readonly candidate: Candidate | null }
  | { readonly type: "shutdown" };

export type FromMedia =
  /** The thread listens for workers on this Unix socket. */
  | { readonly type: "listening"; readonly socketPath: string }
  | { readonly type: "description"; readonly viewer: string; readonly description: Description }
  | { readonly type: "candidate"; readonly viewer: string; readonly candidate: Candidate | null }
  /** After failed or closed the thread has forgotten the viewer; `reason` is a sentence for people. */
  | {
      readonly type: "viewerState";
      readonly viewer: string;
      readonly state: "connected" | "disconnected" | "failed" | "closed";
      readonly reason?: string;
    }
  /** Bytes of one shared/input event, already checked; only from a viewer in control. */
  | {
      readonly type: "input";
      readonly session: string;
      readonly viewer: string;
      readonly event: Uint8Array;
    }
  /** Once a second for each session that has viewers or frames. */
  | {
      readonly type: "stats";
      readonly session: string;
      readonly viewers: number;
      /** Bits a second of access units from the worker. */
      readonly bitrate: number;
      /** What the worker's encoder is asked for. */
      readonly targetBitrate: number;
      readonly framesSent: number;
      readonly packetsLost: number;
      /** For each frame and viewer: GPU work done to the last packet at the socket, in milliseconds. */
      readonly presentToSentMs: readonly number[];
    }
  /** The thread itself went wrong at one viewer, which has failed of it; the rest goes on. For the log. */
  | { readonly type: "fault"; readonly session: string; readonly stack: string }
  /** The session's worker said something that is not allowed; its socket is closed. */
  | { readonly type: "workerFault"; readonly session: string; readonly reason: string };

/** A worker proves with it that it is the one the gateway started. */
export const NONCE_BYTES = 32;

/**
 * Worker to media thread. First the nonce's 32 bytes, then access units:
 *
 *   u32le payload length | u8 flags | u16le width | u16le height | f64le capture time | payload
 *
 * The capture time is in microseconds of CLOCK_MONOTONIC (`process.hrtime`), taken when the frame's
 * GPU work was done. The payload is H.264 Annex B; a key frame starts with SPS and PPS.
 */
export const ACCESS_UNIT_HEADER_BYTES = 17;
export const AccessUnitFlag = { keyFrame: 1 } as const;

/** One access unit. Bounds what the media thread holds of a worker's unfinished one. */
export const MAX_ACCESS_UNIT_BYTES = 8 * 1024 * 1024;

/** A picture's side in an access unit. Far above what any encoder here takes. */
export const MAX_PICTURE_SIDE = 16_384;

/** Access units a second, over a second. Bounds the work that a worker can make for a media thread. */
export const MAX_ACCESS_UNITS_PER_SECOND = 240;

/** Bytes of access units a second, over a second. Bounds the same in bytes: 320 Mbit/s. */
export const MAX_ACCESS_UNIT_BYTES_PER_SECOND = 40 * 1024 * 1024;

/** Media thread to worker, on the same socket: u8 kind, then its payload. */
export const MediaRequest = {
  /** No payload: encode the next frame as IDR; if nothing changes, encode the last one again. */
  keyFrame: 1,
  /** u32le bits a second. */
  bitrate: 2,
} as const;
