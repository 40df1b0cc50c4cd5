import type { KeyInput } from "#shared/input/events.ts";
import { dispatchTrusted, modifierKeys, type Stage } from "./page-events.ts";

/** Turns the operator's keys into keyboard events at the element that has the focus. */
export class KeyboardDispatcher {
  readonly #stage: Stage;
  readonly #held = new Map<string, KeyInput>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  dispatch(input: KeyInput): void {
    if (input.type === "keydown") this.#held.set(input.code, input);
    else this.#held.delete(input.code);
    const { document, KeyboardEvent, window } = this.#stage.window;
    const event = new KeyboardEvent(input.type, {
      bubbles: true,
      cancelable: true,
      composed: true,
      view: this.#stage.window,
      code: input.code,
      key: input.key,
      repeat: input.repeat,
      location: keyLocation(input.code),
      keyCode: legacyKeyCode(input),
      ...modifierKeys(input.modifiers),
    });
    dispatchTrusted(document.activeElement ?? document.body ?? window, event);
  }

  /** The operator is gone: every held key is let go. */
  release(): void {
    for (const input of Array.from(this.#held.values())) {
      this.dispatch({ ...input, type: "keyup", repeat: false, modifiers: 0 });
    }
  }
}

/** UI Events' `location`: 0 standard, 1 left, 2 right, 3 numeric keypad. */
function keyLocation(code: string): number {
  if (code.startsWith("Numpad")) return 3;
  if (/^(Shift|Control|Alt|Meta)Left$/.test(code)) return 1;
  if (/^(Shift|Control|Alt|Meta)Right$/.test(code)) return 2;
  return 0;
}

const NAMED_KEY_CODES: Readonly<Record<string, number>> = {
  Backspace: 8,
  Tab: 9,
  Enter: 13,
  Shift: 16,
  Control: 17,
  Alt: 18,
  Escape: 27,
  " ": 32,
  PageUp: 33,
  PageDown: 34,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
  Insert: 45,
  Delete: 46,
  Meta: 91,
};

/** The `keyCode` that older programs read: see UI Events, "Fixed virtual key codes". */
function legacyKeyCode({ code, key }: KeyInput): number {
  const named = NAMED_KEY_CODES[key];
  if (named !== undefined) return named;
  const letterOrDigit = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1];
  if (letterOrDigit !== undefined) return letterOrDigit.charCodeAt(0);
  const functionKey = /^F(\d{1,2})$/.exec(key)?.[1];
  return functionKey === undefined ? 0 : 111 + Number(functionKey);
}
