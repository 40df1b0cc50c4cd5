import { expect, test } from "vitest";
import { SizeKeeper } from "#server/session/size-keeper.ts";
import { profilesOf } from "#test/support/profiles.ts";

function keeper(settings: object, isSoftware: boolean): SizeKeeper {
  const profile = profilesOf({ default: settings }).get("default")!;
  return new SizeKeeper({
    wish: () => undefined,
    profile: () => profile,
    isSoftware: () => isSoftware,
    changed: () => {},
  });
}

// Larger pictures are not shown: a program must not be told to draw one.
test.for([
  { settings: {}, isSoftware: false, told: [1280, 720] },
  { settings: {}, isSoftware: true, told: [640, 360] },
  { settings: { maxSize: { width: 640, height: 360 } }, isSoftware: false, told: [640, 360] },
  { settings: { maxSize: { width: 320, height: 180 } }, isSoftware: true, told: [320, 180] },
  { settings: { size: { width: 800, height: 600 } }, isSoftware: true, told: [800, 600] },
])(
  "a program that nobody watches is told $told of $settings (software: $isSoftware)",
  ({ settings, isSoftware, told }) => {
    const { width, height } = keeper(settings, isSoftware).tell();
    expect([width, height]).toEqual(told);
  },
);
