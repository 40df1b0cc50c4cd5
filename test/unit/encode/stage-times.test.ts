import { expect, test } from "vitest";
import { MAX_LEG_SAMPLES } from "#server/worker/messages.ts";
import { StageTimes } from "#server/worker/stage-times.ts";

test("stages report their mean and highest time, events their count, and start over", () => {
  const times = new StageTimes();
  for (const milliseconds of [1, 6, 2]) times.time("encode", milliseconds);
  times.count("encoded_frames");
  times.count("encoded_frames");
  times.count("encoded_bytes", 500);
  expect(times.take()).toEqual({
    encode_ms: 3,
    encode_max_ms: 6,
    encoded_frames: 2,
    encoded_bytes: 500,
  });
  expect(times.take()).toEqual({});
});

test("the legs of a frame's way tell each frame's time, up to the limit, and start over", () => {
  const times = new StageTimes();
  times.time("convert", 4);
  for (const milliseconds of [1, 6, -0.1]) times.time("encode", milliseconds);
  expect(times.takeLegs()).toEqual({ encode: [1, 6, 0] });
  expect(times.takeLegs()).toEqual({});
  for (let frame = 0; frame <= MAX_LEG_SAMPLES; frame++) times.time("present_to_mapped", frame);
  expect(times.takeLegs().present_to_mapped).toHaveLength(MAX_LEG_SAMPLES);
});
