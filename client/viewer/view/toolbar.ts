import { element } from "./element.ts";

export type ToolbarEvents = {
  readonly statistics: () => void;
  readonly fullScreen: () => void;
  readonly text: () => void;
  /** The operator is done here: the keyboard goes back to the guest. */
  readonly left: () => void;
};

export type ToolbarContent = {
  /** Its name, empty while it is not known. */
  readonly session: string;
  readonly state: string;
  readonly statisticsOpen: boolean;
  readonly mayWrite: boolean;
  readonly writes: boolean;
};

/** Long enough to read a few words. */
const PEEK_MS = 3_000;

/** A handle at the upper edge that opens under the pointer or the keyboard, and by a touch. */
export class Toolbar {
  readonly #bar = element("toolbar", HTMLElement);
  readonly #state = element("state-text", HTMLElement);
  readonly #session = element("session-name", HTMLElement);
  readonly #statistics = element("stats-button", HTMLButtonElement);
  readonly #text = element("text-button", HTMLButtonElement);
  readonly #fullScreen = element("fullscreen-button", HTMLButtonElement);
  #peeking: ReturnType<typeof setTimeout> | undefined;

  constructor(events: ToolbarEvents) {
    this.#statistics.addEventListener("click", events.statistics);
    this.#fullScreen.addEventListener("click", events.fullScreen);
    this.#text.addEventListener("click", events.text);
    this.#bar.addEventListener("click", ({ detail: clicks }) => {
      // A button that was pressed by the keyboard keeps it.
      if (clicks > 0) events.left();
    });
    this.#fullScreen.hidden = !document.fullscreenEnabled;
    document.addEventListener("fullscreenchange", () => {
      pressed(this.#fullScreen, document.fullscreenElement !== null);
    });
    this.#bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      // The key is used up here; it is not the guest's, who has the keyboard next.
      event.stopPropagation();
      events.left();
    });
    this.#bar.addEventListener("focusout", ({ relatedTarget }) => this.#closeUnless(relatedTarget));
    // A touch has no pointer that could rest on the handle.
    this.#bar.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse") this.#bar.classList.add("open");
    });
    document.addEventListener("pointerdown", ({ target }) => this.#closeUnless(target));
  }

  get hasFocus(): boolean {
    return this.#bar.contains(document.activeElement);
  }

  show({ session, state, statisticsOpen, mayWrite, writes }: ToolbarContent): void {
    if (this.#session.textContent !== session) this.#session.textContent = session;
    if (this.#state.textContent !== state) this.#state.textContent = state;
    pressed(this.#statistics, statisticsOpen);
    pressed(this.#text, writes);
    this.#text.hidden = !mayWrite;
  }

  /** Shows itself for a moment: it says why nothing happens. */
  peek(): void {
    this.#bar.classList.add("peek");
    clearTimeout(this.#peeking);
    this.#peeking = setTimeout(() => this.#bar.classList.remove("peek"), PEEK_MS);
  }

  /** Opens the toolbar for the keyboard. */
  focus(): void {
    this.#bar.classList.add("open");
    this.#statistics.focus();
  }

  /** What is attended to now is a part of the toolbar, or else it closes. */
  #closeUnless(attended: EventTarget | null): void {
    if (attended instanceof Node && this.#bar.contains(attended)) return;
    this.#bar.classList.remove("open");
  }
}

function pressed(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute("aria-pressed", String(on));
}
