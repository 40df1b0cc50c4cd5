import { keysOfText, pressOf } from "./text-keys.ts";
import type { Typist } from "./typist.ts";

/** Something to delete: a screen keyboard's Backspace is told of only where a character goes. */
const NOTHING = "\u200b";

/**
 * A field that takes the stage's keyboard while it is on, for those who write what no single key makes: by an
 * input method, with dead keys, on a screen keyboard. Off, keys go to the guest as they are, which games want.
 */
export class TextEntry {
  readonly #stage: HTMLElement;
  readonly #field: HTMLTextAreaElement;
  readonly #typist: Typist;
  #isOn = false;

  /** `field` is within `stage`. */
  constructor(stage: HTMLElement, field: HTMLTextAreaElement, typist: Typist) {
    this.#stage = stage;
    this.#field = field;
    this.#typist = typist;
    stage.addEventListener("focus", () => {
      if (this.#isOn) field.focus({ preventScroll: true });
    });
    field.addEventListener("compositionstart", () => field.classList.add("composing"));
    field.addEventListener("compositionend", () => {
      field.classList.remove("composing");
      this.#take();
    });
    field.addEventListener("input", (event) => {
      if (!(event instanceof InputEvent && event.isComposing)) this.#take();
    });
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The keyboard goes from stage to field or back, and at no time to nobody. */
  toggle(): void {
    this.#isOn = !this.#isOn;
    if (this.#isOn) {
      this.#empty();
      this.#field.hidden = false;
      this.#field.focus({ preventScroll: true });
    } else {
      this.#typist.stop();
      this.#stage.focus({ preventScroll: true });
      this.#field.hidden = true;
    }
  }

  #take(): void {
    const { value } = this.#field;
    this.#empty();
    this.#typist.type(
      value === "" ? pressOf("Backspace", "Backspace") : keysOfText(without(value)),
    );
  }

  #empty(): void {
    this.#field.value = NOTHING;
    this.#field.setSelectionRange(NOTHING.length, NOTHING.length);
  }
}

function without(value: string): string {
  return value.replaceAll(NOTHING, "");
}
