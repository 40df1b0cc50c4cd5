import { availableParallelism } from "node:os";
import {
  FF_ENCODER_H264_NVENC,
  FF_ENCODER_H264_VAAPI,
  FF_ENCODER_LIBX264,
  type FFEncoderCodec,
} from "node-av/constants";
import type { VideoLayout } from "./picture.ts";

/** One of FFmpeg's H.264 encoders, and how it is made to encode at low latency. */
export type EncoderBackend = {
  readonly name: FFEncoderCodec;
  /** As people call it. */
  readonly title: string;
  /** What it takes without converting it again. */
  readonly layout: VideoLayout;
  /** A change of bitrate needs no new encoder, so no key frame. */
  readonly retargets: boolean;
  /** Takes frames in the memory of a VA-API device only. */
  readonly needsVaapiFrames: boolean;
  readonly options: Readonly<Record<string, string>>;
};

/** Best first. Which of them work on this machine is found by probing: see encoder-probe.ts. */
export function encoderBackends(): readonly EncoderBackend[] {
  return [
    {
      name: FF_ENCODER_H264_NVENC,
      title: "NVENC",
      layout: "nv12",
      retargets: true,
      needsVaapiFrames: false,
      options: {
        preset: "p3",
        tune: "ull",
        profile: "baseline",
        rc: "cbr",
        zerolatency: "1",
        delay: "0",
        "forced-idr": "1",
      },
    },
    {
      name: FF_ENCODER_H264_VAAPI,
      title: "VA-API",
      layout: "nv12",
      retargets: false,
      needsVaapiFrames: true,
      options: { profile: "constrained_baseline", rc_mode: "CBR", async_depth: "1" },
    },
    {
      name: FF_ENCODER_LIBX264,
      title: "libx264",
      layout: "i420",
      retargets: true,
      needsVaapiFrames: false,
      options: {
        preset: "ultrafast",
        tune: "zerolatency",
        profile: "baseline",
        "forced-idr": "1",
        // Slices of a frame in parallel. Half of the cores: other sessions encode, too.
        threads: String(Math.min(4, Math.max(1, availableParallelism() >> 1))),
      },
    },
  ];
}
