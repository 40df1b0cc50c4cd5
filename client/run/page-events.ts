import type { Event, GlobalWindow } from "happy-dom";
import { Modifier } from "#shared/input/events.ts";
import type { Size } from "./layout.ts";

type Element = InstanceType<typeof import("happy-dom").Element>;

/** What the dispatchers of input need of the page. */
export type Stage = {
  readonly window: GlobalWindow;
  /** The element that the operator sees, at which pointer input arrives. */
  readonly target: () => Element;
  readonly sizeOf: (element: Element) => Size;
};

/** CSS pixels from the window's top left. */
export type Point = { readonly x: number; readonly y: number };

export function pointOn(stage: Stage, x: number, y: number): Point {
  const { width, height } = stage.sizeOf(stage.target());
  return { x: x * width, y: y * height };
}

export function modifierKeys(modifiers: number) {
  return {
    shiftKey: (modifiers & Modifier.shift) !== 0,
    ctrlKey: (modifiers & Modifier.control) !== 0,
    altKey: (modifiers & Modifier.alt) !== 0,
    metaKey: (modifiers & Modifier.meta) !== 0,
  };
}

/** Dispatches an event of the operator's as a browser does: trusted, composed, seen by every hop. */
export function dispatchTrusted(
  target: { dispatchEvent(event: Event): boolean },
  event: Event,
  members: Readonly<Record<string, unknown>> = {},
): boolean {
  for (const [name, value] of Object.entries({ isTrusted: true, ...members })) {
    Object.defineProperty(event, name, { value, configurable: true, enumerable: true });
  }
  return target.dispatchEvent(event);
}

/** Members that happy-dom's mouse, pointer and wheel events lack or leave at 0. */
export function positionMembers({ x, y }: Point, modifiers: number) {
  const keys = modifierKeys(modifiers);
  const pressed: Readonly<Record<string, boolean>> = {
    Shift: keys.shiftKey,
    Control: keys.ctrlKey,
    Alt: keys.altKey,
    Meta: keys.metaKey,
  };
  return {
    clientX: x,
    clientY: y,
    x,
    y,
    pageX: x,
    pageY: y,
    offsetX: x,
    offsetY: y,
    layerX: x,
    layerY: y,
    screenX: x,
    screenY: y,
    getModifierState: (key: string) => pressed[key] ?? false,
  };
}
