import { element } from "./element.ts";

export type ToolbarEvents = {
  readonly statistics: () => void;
  readonly fullScreen: () => void;
  /** The operator is done here: the keyboard goes back to the guest. */
  readonly left: () => void;
};

/** A handle at the upper edge that opens under the pointer or the keyboard, and by a touch. */
export class Toolbar {
  readonly #bar = element("toolbar", HTMLElement);
  readonly #state = element("state-text", HTMLElement);
  readonly #statistics = element("stats-button", HTMLButtonElement);
  readonly #fullScreen = element("fullscreen-button", HTMLButtonElement);

  constructor(events: ToolbarEvents) {
    this.#statistics.addEventListener("click", events.statistics);
    this.#fullScreen.addEventListener("click", events.fullScreen);
    this.#fullScreen.hidden = !document.fullscreenEnabled;
    document.addEventListener("fullscreenchange", () => {
      pressed(this.#fullScreen, document.fullscreenElement !== null);
    });
    this.#bar.addEventListener("keydown", (event) => {
      if (event.key === "Escape") events.left();
    });
    // A touch has no pointer that could rest on the handle.
    this.#bar.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse") this.#bar.classList.add("open");
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.#bar.contains(event.target)) {
        this.#bar.classList.remove("open");
      }
    });
  }

  show(state: string, statisticsOpen: boolean): void {
    if (this.#state.textContent !== state) this.#state.textContent = state;
    pressed(this.#statistics, statisticsOpen);
  }

  focus(): void {
    this.#statistics.focus();
  }
}

function pressed(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute("aria-pressed", String(on));
}
