import { element } from "#client/viewer/view/element.ts";

export type Question = {
  readonly title: string;
  readonly sentence: string;
  /** What the button says that does it. */
  readonly action: string;
  /** What it does cannot be taken back: a press of Enter alone is no. */
  readonly isDangerous?: boolean;
  /** A line of text to give along. */
  readonly text?: {
    readonly label: string;
    readonly required: boolean;
    /** A regular expression of the whole text, and what to write instead. */
    readonly pattern?: { readonly source: string; readonly hint: string };
  };
};

/** Asks before something is done. A modal dialog: the keyboard stays inside, and Escape is no. */
export class Questions {
  readonly #dialog = element("dialog", HTMLDialogElement);
  readonly #form = element("dialog-form", HTMLFormElement);
  readonly #title = element("dialog-title", HTMLElement);
  readonly #sentence = element("dialog-sentence", HTMLElement);
  readonly #text = element("dialog-text", HTMLElement);
  readonly #label = element("dialog-label", HTMLElement);
  readonly #field = element("dialog-field", HTMLInputElement);
  readonly #cancel = element("dialog-cancel", HTMLButtonElement);
  readonly #do = element("dialog-do", HTMLButtonElement);
  #answer: ((text: string | undefined) => void) | undefined;

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#settle(this.#field.value.trim());
    });
    this.#cancel.addEventListener("click", () => this.#settle(undefined));
    // The Enter that asked may be held a moment too long: it is no answer.
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.repeat) event.preventDefault();
    });
    this.#dialog.addEventListener("close", () => {
      // The event comes a moment after the dialog closed, and may find the next question asked.
      if (!this.#dialog.open) this.#settle(undefined);
    });
  }

  /** Resolves with the text that was given, empty where none was asked for; undefined: no. */
  ask({
    title,
    sentence,
    action,
    isDangerous = false,
    text,
  }: Question): Promise<string | undefined> {
    this.#settle(undefined);
    this.#title.textContent = title;
    this.#sentence.textContent = sentence;
    this.#do.textContent = action;
    this.#do.classList.toggle("danger", isDangerous);
    this.#text.hidden = text === undefined;
    this.#label.textContent = text?.label ?? "";
    this.#field.value = "";
    this.#field.required = text?.required ?? false;
    this.#field.pattern = text?.pattern?.source ?? ".*";
    this.#field.title = text?.pattern?.hint ?? "";
    this.#dialog.showModal();
    if (text !== undefined) this.#field.focus();
    else (isDangerous ? this.#cancel : this.#do).focus();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  #settle(text: string | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (this.#dialog.open) this.#dialog.close();
    answer?.(text);
  }
}
