import { MAX_RESIZE_SIDE } from "#shared/input/codec.ts";
import type { ResizeInput } from "#shared/input/events.ts";
import { placePicture, type Rectangle, type Size, sizeToAsk } from "./geometry.ts";

/** While a window's edge is dragged, only where it rests is worth a resize of the guest. */
const SETTLE_MS = 80;
const MAX_DEVICE_PIXEL_RATIO = 16;

const CONTROL_LABEL =
  "The guest's screen. Keys go to the guest; Control, Alt, Shift and M together lead to the toolbar.";
const VIEW_LABEL = "The guest's screen, to look at only.";

/** The part of the page that the picture stands on: lays it out and tells the guest how much room there is. */
export class Stage {
  readonly element: HTMLElement;
  readonly #layers: readonly HTMLElement[];
  readonly #ask: (resize: ResizeInput) => void;
  #picture: Size = { width: 0, height: 0 };
  #placed: Rectangle = { x: 0, y: 0, width: 0, height: 0 };
  #devicePixels: Size = { width: 0, height: 0 };
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** `layers` are the elements that show the picture, one on another. */
  constructor(
    element: HTMLElement,
    layers: readonly HTMLElement[],
    ask: (resize: ResizeInput) => void,
  ) {
    this.element = element;
    this.#layers = layers;
    this.#ask = ask;
    const observer = new ResizeObserver(([entry]) => this.#resized(entry));
    try {
      observer.observe(element, { box: "device-pixel-content-box" });
    } catch {
      // Safari measures in CSS pixels only.
      observer.observe(element);
    }
  }

  /** Where the picture stands, in CSS pixels from the stage's corner. */
  get placed(): Rectangle {
    return this.#placed;
  }

  /** Says to a screen reader whose the keys are. */
  tellRole(viewOnly: boolean): void {
    const label = viewOnly ? VIEW_LABEL : CONTROL_LABEL;
    if (this.element.ariaLabel !== label) this.element.ariaLabel = label;
  }

  setPicture(size: Size): void {
    this.#picture = size;
    this.#layOut();
  }

  /** Tells the guest the room there is, now. */
  askNow(): void {
    clearTimeout(this.#settling);
    if (this.#devicePixels.width === 0 || this.#devicePixels.height === 0) return;
    this.#ask({
      type: "resize",
      ...sizeToAsk(this.#devicePixels, MAX_RESIZE_SIDE),
      devicePixelRatio: Math.min(devicePixelRatio, MAX_DEVICE_PIXEL_RATIO),
    });
  }

  #resized(entry: ResizeObserverEntry | undefined): void {
    if (entry === undefined) return;
    this.#devicePixels = deviceSize(entry);
    this.#layOut();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.askNow(), SETTLE_MS);
  }

  #layOut(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.#placed = placePicture({ width, height }, this.#picture, devicePixelRatio);
    for (const { style } of this.#layers) {
      style.left = `${this.#placed.x}px`;
      style.top = `${this.#placed.y}px`;
      style.width = `${this.#placed.width}px`;
      style.height = `${this.#placed.height}px`;
    }
  }
}

/** The browser's own count of device pixels where it has one: in CSS pixels a fraction of one may be lost. */
function deviceSize(entry: ResizeObserverEntry): Size {
  const computed = {
    width: entry.contentRect.width * devicePixelRatio,
    height: entry.contentRect.height * devicePixelRatio,
  };
  const box = entry.devicePixelContentBoxSize?.[0];
  // A browser that only pretends to be on a dense screen counts the pixels of the real one.
  if (box === undefined || Math.abs(box.inlineSize - computed.width) > 1) return computed;
  return { width: box.inlineSize, height: box.blockSize };
}
