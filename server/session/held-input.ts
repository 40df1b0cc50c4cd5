import type { InputEvent } from "#shared/input/events.ts";

/** Keys and pointers that one viewer holds at once. Bounds what one that only presses makes the gateway keep. */
export const MAX_HELD = 256;

/** What a viewer holds down, so that nothing sticks in the program when the viewer goes. */
export class HeldInput {
  readonly #held = new Set<string>();

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  add(event: InputEvent): void {
    switch (event.type) {
      case "keydown":
        this.#set(`key ${event.code}`, true);
        return;
      case "keyup":
        this.#set(`key ${event.code}`, false);
        return;
      case "pointerdown":
      case "pointermove":
      case "pointerup":
        this.#set(`pointer ${event.pointerId}`, event.buttons !== 0);
        return;
      case "pointercancel":
        this.#set(`pointer ${event.pointerId}`, false);
        return;
      case "blur":
        this.#held.clear();
        return;
      case "wheel":
      case "resize":
        return;
      default:
        event satisfies never;
    }
  }

  #set(name: string, isHeld: boolean): void {
    if (!isHeld) this.#held.delete(name);
    else if (this.#held.size < MAX_HELD) this.#held.add(name);
  }
}
