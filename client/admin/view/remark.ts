/** Long enough to read a sentence. */
export const REMARK_MS = 8_000;

/** What the page says of the last act. A refusal stays until the next one. */
export class Remark {
  readonly #show: (sentence: string, isError: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** An empty sentence is none. */
  constructor(show: (sentence: string, isError: boolean) => void) {
    this.#show = show;
  }

  say(sentence: string, isError: boolean): void {
    clearTimeout(this.#timer);
    this.#show(sentence, isError);
    if (!isError) this.#timer = setTimeout(() => this.clear(), REMARK_MS);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#show("", false);
  }
}
