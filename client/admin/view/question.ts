import { element } from "#client/viewer/view/element.ts";

export type Question = {
  readonly title: string;
  readonly sentence: string;
  /** What the button says that does it. */
  readonly action: string;
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
  readonly #do = element("dialog-do", HTMLButtonElement);
  #answer: ((text: string | undefined) => void) | undefined;

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#settle(this.#field.value.trim());
    });
    element("dialog-cancel", HTMLButtonElement).addEventListener("click", () =>
      this.#settle(undefined),
    );
    this.#dialog.addEventListener("close", () => {
      // The event comes a moment after the dialog closed, and may find the next question asked.
      if (!this.#dialog.open) this.#settle(undefined);
    });
  }

  /** Resolves with the text that was given, empty where none was asked for; undefined: no. */
  ask({ title, sentence, action, text }: Question): Promise<string | undefined> {
    this.#settle(undefined);
    this.#title.textContent = title;
    this.#sentence.textContent = sentence;
    this.#do.textContent = action;
    this.#text.hidden = text === undefined;
    this.#label.textContent = text?.label ?? "";
    this.#field.value = "";
    this.#field.required = text?.required ?? false;
    this.#field.pattern = text?.pattern?.source ?? ".*";
    this.#field.title = text?.pattern?.hint ?? "";
    this.#dialog.showModal();
    (text === undefined ? this.#do : this.#field).focus();
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
