import { z } from "zod";
import { GpuShare } from "./gpu-share.ts";

// What is known of a session: the one shape that metrics, admin API and admin page read.

/** What a session's sentence, reason or error may have. Bounds what a page and a log are made to carry. */
export const MAX_SENTENCE_CHARACTERS = 4096;

const sentence = z.string().max(MAX_SENTENCE_CHARACTERS);
const count = z.number().int().min(0);
const amount = z.number().min(0);

export const SessionReport = z
  .object({
    name: z.string().meta({ description: "The session, which is one VM." }),
    state: z.enum([
      "waiting-for-guest",
      "starting",
      "live",
      "guest-away",
      "guest-gone",
      "worker-restarting",
      "paused",
      "quarantined",
    ]),
    sentence: sentence.meta({ description: "The state, said for people." }),
    since: z.iso.datetime().meta({ description: "When the gateway made the session." }),
    profile: z.string().meta({ description: "The profile that counts now." }),
    profileAssigned: z.boolean().meta({
      description: "An admin chose the profile; it wins over the one in the guest's token.",
    }),
    share: GpuShare.meta({ description: "Its part of the GPU now." }),
    shareAssigned: z.boolean().meta({
      description: "An admin chose the share; it wins over the profile's.",
    }),
    exclusive: z.boolean().meta({
      description: "Others are let in only while it has no programs, and it while they have none.",
    }),
    kept: z.boolean().meta({ description: "An admin made it: it stays while it is empty." }),
    paused: z.boolean(),
    quarantine: sentence.optional().meta({ description: "Why no guest is let in." }),
    adapter: sentence.optional(),
    encoder: sentence.optional(),
    width: count.optional().meta({ description: "The picture's, in pixels." }),
    height: count.optional(),
    programs: count,
    viewers: count,
    frameRate: amount.meta({ description: "Frames a second that left the GPU." }),
    bitrate: amount.meta({ description: "Bits a second of video from the encoder." }),
    targetBitrate: amount.optional().meta({ description: "What the encoder is asked for." }),
    gpuTime: amount.optional().meta({
      description: "GPU milliseconds a second; absent where nothing tells them.",
    }),
    gpuMemory: amount.optional().meta({
      description: "Bytes of GPU memory; absent where nothing tells them.",
    }),
    objects: count.optional().meta({
      description: "WebGPU objects of its programs that are alive, of all kinds.",
    }),
    frames: count.meta({ description: "Frames that left the GPU, since the session was made." }),
    restarts: count.meta({ description: "GPU workers that were started after the first." }),
    errors: z.object({ worker: count, program: count, viewer: count }).meta({
      description: "Workers, programs and viewers that were lost, since the session was made.",
    }),
    lastError: z.object({ at: z.iso.datetime(), sentence }).optional(),
    stages: z.record(z.string(), amount).meta({
      description: "Mean milliseconds that a frame spent in each stage, in the last report.",
    }),
    counts: z.record(z.string(), amount).meta({
      description: "What each stage counted, since the session was made.",
    }),
  })
  .meta({ id: "Session" });
export type SessionReport = z.infer<typeof SessionReport>;
