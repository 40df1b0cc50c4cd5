import { expect, test } from "vitest";
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
