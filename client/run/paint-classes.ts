import type { Paint } from "./paint.ts";

/**
 * Defines the classes of 2D drawing on `target`. They are @napi-rs/canvas's own, which is loaded when the
 * program first asks for one of them; undefined where it cannot be.
 */
export function installPaintClasses(target: object, paint: Paint): void {
  const context = () => paint.napi.createCanvas(1, 1).getContext("2d");
  const classes: Readonly<Record<string, () => unknown>> = {
    CanvasRenderingContext2D: () => context().constructor,
    OffscreenCanvasRenderingContext2D: () => context().constructor,
    CanvasGradient: () => context().createLinearGradient(0, 0, 1, 1).constructor,
    CanvasPattern: () =>
      context().createPattern(paint.napi.createCanvas(1, 1), "repeat")?.constructor,
    Path2D: () => paint.napi.Path2D,
  };
  for (const [name, load] of Object.entries(classes)) {
    let value: unknown;
    let isKnown = false;
    Object.defineProperty(target, name, {
      configurable: true,
      get() {
        if (!isKnown) value = loaded(load);
        isKnown = true;
        return value;
      },
      set(next: unknown) {
        value = next;
        isKnown = true;
      },
    });
  }
}

function loaded(load: () => unknown): unknown {
  try {
    return load();
  } catch {
    // Programs look for these before they draw; who draws hears of it from getContext.
    return undefined;
  }
}
