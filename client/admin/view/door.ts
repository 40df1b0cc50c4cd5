import { tokenInText } from "#client/viewer/token.ts";
import { element } from "#client/viewer/view/element.ts";

/** What stands in the page's place until a token opened it. */
export class Door {
  readonly #door = element("door", HTMLElement);
  readonly #title = element("door-title", HTMLElement);
  readonly #sentence = element("door-sentence", HTMLElement);
  readonly #field = element("token-field", HTMLInputElement);
  readonly #error = element("token-error", HTMLElement);

  constructor(opened: (token: string) => void) {
    element("token-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const token = tokenInText(this.#field.value);
      this.#error.hidden = token !== undefined;
      if (token === undefined) {
        this.#error.textContent = "There is no token in this. It is the long text after “#token=”.";
        return;
      }
      this.#field.value = "";
      opened(token);
    });
  }

  show(title: string, sentence: string): void {
    this.#title.textContent = title;
    this.#sentence.textContent = sentence;
    this.#door.hidden = false;
    this.#field.focus();
  }

  hide(): void {
    this.#door.hidden = true;
  }
}
