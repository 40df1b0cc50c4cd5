import { expect, test } from "vitest";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { DeviceState } from "#server/replay/device-state.ts";
import type { ReplayHost } from "#server/replay/replay-host.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import { MAX_SURFACE_SIDE, SurfaceState } from "#server/replay/surface-state.ts";

/** A device of a GPU with sides as long as said: software ones end where the limit does. */
function deviceWithSides(maxTextureDimension2D: number): GPUDevice {
  const device: GPUDevice = Object.assign(Object.create(new EventTarget()), {
    limits: { maxTextureDimension2D },
    lost: new Promise(() => {}),
    addEventListener: () => {},
    createTexture: () => ({ destroy: () => {} }),
  });
  return device;
}

test.for([
  { what: "the limit", side: MAX_SURFACE_SIDE, gpu: 2 * MAX_SURFACE_SIDE, isShown: true },
  { what: "one over it", side: MAX_SURFACE_SIDE + 1, gpu: 2 * MAX_SURFACE_SIDE, isShown: false },
  { what: "the GPU's own limit", side: 8192, gpu: 8192, isShown: true },
  { what: "one over the GPU's", side: 8193, gpu: 8192, isShown: false },
])("a picture with a side of $what is shown: $isShown", async ({ side, gpu, isShown }) => {
  const sizes: number[][] = [];
  const budget = new SessionBudget(DEFAULT_BOUNDS);
  const host: ReplayHost = {
    connection: 1,
    budget,
    surfaces: {
      captureUsage: () => 1,
      present: async (picture) => {
        sizes.push([picture.width, picture.height]);
        picture.destroy();
      },
      release: () => {},
    },
    reply: () => {},
    submit: () => undefined,
    onAnimation: () => {},
    onEndFrame: () => {},
  };
  const device = new DeviceState(1, deviceWithSides(gpu), host);
  const surface = new SurfaceState(1, host);
  const both = [
    [side, 1],
    [1, side],
  ] as const;
  for (const [width, height] of both) {
    surface.configure({ device, width, height, configuration: { format: "bgra8unorm" } });
    surface.makeTexture();
    await surface.present().captured;
  }
  expect(sizes).toEqual(isShown ? both : []);
  expect(budget.gpuMemory.used).toBe(0); // Shown or not, its memory is given back.
});
