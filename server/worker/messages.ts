import { z } from "zod";
import { MappedHash, PictureHash } from "#server/recording/format.ts";
import type { Bounds } from "#server/replay/bounds.ts";

// Control messages between the gateway and one GPU worker, as length-prefixed JSON on a Unix socket.
// The worker may have been taken over by its guest: what it says is checked here, and bounded.

/** One control message as JSON. Bounds what the gateway buffers for a worker that never finishes one. */
export const MAX_CONTROL_BYTES = 64 * 1024;

/** Figures in one report. Bounds the series that a worker can make for whoever keeps its reports. */
export const MAX_STAGES = 64;

const id = z.number().int().min(1).max(0xffff_ffff);
const count = z.number().int().min(0).max(0xffff_ffff);
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sentence = z.string().max(4096);
const side = z.number().int().min(1).max(16_384);

/**
 * Ways of a frame whose time is told frame by frame, in milliseconds: from present to the mapped picture, in
 * the encoder, and from the mapped picture to the media thread's socket.
 */
export const WORKER_LEGS = ["present_to_mapped", "encode", "mapped_to_socket"] as const;
export type WorkerLeg = (typeof WORKER_LEGS)[number];

/** Frames of one report that tell their times; more than are drawn in a second. Bounds a worker's work for the gateway. */
export const MAX_LEG_SAMPLES = 256;

const legTimes = z.array(z.number().min(0)).max(MAX_LEG_SAMPLES);

export const ToGateway = z.discriminatedUnion("type", [
  /** Sent once, when Dawn and the encoder answered. */
  z.object({
    type: z.literal("ready"),
    adapter: sentence,
    isSoftware: z.boolean(),
    encoder: sentence,
  }),
  /** The program wants ticks (a requestAnimationFrame is pending), or no longer. */
  z.object({ type: z.literal("animation"), connection: id, running: z.boolean() }),
  /** Every command of the tick's frame was decoded. */
  z.object({ type: z.literal("frameReceived"), connection: id, tick: count }),
  /** The tick's frame left the GPU: the gateway may grant another. */
  z.object({ type: z.literal("frameFinished"), connection: id, tick: count }),
  /** A surface got its first picture or another size, or went away (0 by 0 is not a size: absent). */
  z.object({
    type: z.literal("surface"),
    connection: id,
    surface: id,
    size: z.object({ width: side, height: side }).optional(),
  }),
  /** A picture of this size is not shown: the profile's largest is smaller. Sent once a second at most. */
  z.object({
    type: z.literal("pictureRefused"),
    connection: id,
    size: z.object({ width: side, height: side }),
  }),
  /** There is work to submit and no lease. */
  z.object({ type: z.literal("gpuWanted") }),
  /** A submit goes to the GPU, which rested. */
  z.object({ type: z.literal("gpuBusy"), lease: id }),
  /** A submit is done and others are under way. */
  z.object({ type: z.literal("gpuProgress"), lease: id }),
  /** All that was submitted is done; the lease is kept. */
  z.object({ type: z.literal("gpuIdle"), lease: id }),
  /** All that was submitted is done, and the lease that was taken back is given up. */
  z.object({ type: z.literal("gpuReturned"), lease: id }),
  /** The worker ended a connection: the guest broke the protocol, or closed it. */
  z.object({ type: z.literal("connectionEnded"), connection: id, reason: sentence }),
  /** What the session holds of what its bounds limit. Sent when it changed, once a second at most. */
  z.object({
    type: z.literal("memory"),
    gpuBytes: bytes,
    hostBytes: bytes,
    objects: count,
  }),
  /** About once a second, while there is something to tell: see StageTimes. */
  z.object({
    type: z.literal("stats"),
    stages: z
      .record(z.string().max(64), z.number())
      .refine((stages) => Object.keys(stages).length <= MAX_STAGES, `over ${MAX_STAGES} figures`),
    legs: z.partialRecord(z.enum(WORKER_LEGS), legTimes).optional(),
  }),
]);
export type ToGateway = z.infer<typeof ToGateway>;

/** What the scheduler hears of a worker's submits. */
export type GpuMessage = Extract<
  ToGateway,
  { type: "gpuWanted" | "gpuBusy" | "gpuProgress" | "gpuIdle" | "gpuReturned" }
>;

/** What is kept beside the stream of a connection that is recorded. */
const ToRecorder = z.discriminatedUnion("type", [
  z.object({ type: z.literal("pictureHash"), connection: id, hash: PictureHash }),
  z.object({ type: z.literal("mappedHash"), connection: id, hash: MappedHash }),
]);

/** All that a worker may say. */
export const FromWorker = z.discriminatedUnion("type", [
  ...ToGateway.options,
  ...ToRecorder.options,
]);
export type FromWorker = z.infer<typeof FromWorker>;

export type ToWorker =
  /** What the session may take. Comes before the first "open", and again when the profile changes. */
  | {
      readonly type: "bounds";
      readonly bounds: Bounds;
      /** Of its picture, in pixels; absent: what H.264 holds. */
      readonly maxSize?: { readonly width: number; readonly height: number };
    }
  /**
   * The worker dials its data socket for this connection, naming it in the first 4 bytes (u32le). Of one that is recorded it
   * tells the hash of what is presented and read.
   */
  | { readonly type: "open"; readonly connection: number; readonly isRecorded?: boolean }
  | { readonly type: "close"; readonly connection: number }
  /** How many viewers watch, and the frames a second that they are shown at most. */
  | { readonly type: "audience"; readonly viewers: number; readonly frameRate: number }
  /** Credit: submits may go to the GPU. `isContended`: only one at a time, since others wait. */
  | { readonly type: "lease"; readonly lease: number; readonly isContended: boolean }
  /** No submit goes any more; the lease is given back once those under way are done. */
  | { readonly type: "revoke"; readonly lease: number }
  | { readonly type: "shutdown" };
