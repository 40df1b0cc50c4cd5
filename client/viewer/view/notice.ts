import type { Phase, Presentation } from "../state.ts";
import { tokenInText } from "../token.ts";
import { element } from "./element.ts";

/** A phase that asks something of the operator, and what its button says. */
const ACTIONS: Partial<Record<Phase, string>> = {
  refused: "Use another token",
  "sent-away": "Try again",
  blocked: "Show the picture",
  unsupported: "Try again",
};

export type NoticeEvents = {
  readonly token: (token: string) => void;
  readonly action: (phase: Phase) => void;
};

/** What the page says when it is not simply live: over the last frame when there is one, else alone. */
export class Notice {
  readonly #notice = element("notice", HTMLElement);
  readonly #title = element("notice-title", HTMLElement);
  readonly #sentence = element("notice-sentence", HTMLElement);
  readonly #busy = element("notice-busy", HTMLElement);
  readonly #form = element("token-form", HTMLFormElement);
  readonly #field = element("token-field", HTMLInputElement);
  readonly #error = element("token-error", HTMLElement);
  readonly #action = element("notice-action", HTMLButtonElement);
  #shown: Presentation | undefined;

  constructor(events: NoticeEvents) {
    this.#action.addEventListener("click", () => {
      if (this.#shown !== undefined) events.action(this.#shown.phase);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = tokenInText(this.#field.value);
      if (token === undefined) {
        this.#explain("There is no token in this. It is the long text after “#token=”.");
        return;
      }
      this.#explain("");
      this.#field.value = "";
      events.token(token);
    });
  }

  show(presentation: Presentation): void {
    const before = this.#shown;
    this.#shown = presentation;
    this.#notice.hidden = presentation.phase === "live";
    this.#busy.hidden = !presentation.busy;
    // A screen reader says again whatever is set again.
    if (before?.title !== presentation.title) this.#title.textContent = presentation.title;
    if (before?.sentence !== presentation.sentence) {
      this.#sentence.textContent = presentation.sentence;
    }
    const label = ACTIONS[presentation.phase];
    this.#action.hidden = label === undefined;
    this.#action.textContent = label ?? "";
    this.#form.hidden = presentation.phase !== "no-token";
    if (before?.phase !== presentation.phase) {
      if (!this.#form.hidden) this.#field.focus();
      else if (!this.#action.hidden) this.#action.focus();
    }
  }

  #explain(sentence: string): void {
    this.#error.textContent = sentence;
    this.#error.hidden = sentence === "";
    this.#field.setAttribute("aria-invalid", String(sentence !== ""));
  }
}
