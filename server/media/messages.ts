import type { Candidate, Description } from "#shared/signaling/messages.ts";

// Messages between the gateway's main thread and a media thread (structured clone), and the bytes
// on the Unix socket by which a worker hands access units to its session's media thread.

export type ToMedia =
  /** The thread expects a worker for this session to dial its socket with this nonce (32 bytes, hex). */
  | { readonly type: "openSession"; readonly session: string; readonly nonce: string }
  | { readonly type: "closeSession"; readonly session: string }
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
  | {
      readonly type: "viewerState";
      readonly viewer: string;
      readonly state: "connected" | "disconnected" | "failed" | "closed";
    }
  /** Bytes of one shared/input event, already checked; only from a viewer in control. */
  | {
      readonly type: "input";
      readonly session: string;
      readonly viewer: string;
      readonly event: Uint8Array;
    }
  | {
      readonly type: "stats";
      readonly session: string;
      readonly viewers: number;
      readonly bitrate: number;
      readonly framesSent: number;
      readonly packetsLost: number;
    }
  /** The session's worker said something that is not allowed; its socket is closed. */
  | { readonly type: "workerFault"; readonly session: string; readonly reason: string };

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

/** Media thread to worker, on the same socket: u8 kind, then its payload. */
export const MediaRequest = {
  /** No payload: encode the next frame as IDR; if nothing changes, encode the last one again. */
  keyFrame: 1,
  /** u32le bits a second. */
  bitrate: 2,
} as const;
