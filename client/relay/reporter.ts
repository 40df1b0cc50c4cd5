/** Tells a person what is wrong: once, however often it happens, and again only after it was well. */
export class Reporter {
  readonly #write: (line: string) => void;
  #problem: string | undefined;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  problem(sentence: string): void {
    if (sentence === this.#problem) return;
    this.#problem = sentence;
    this.#write(sentence);
  }

  well(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#write("The gateway answers again.");
  }

  /** Something to know that is no problem of the moment. */
  note(sentence: string): void {
    this.#write(sentence);
  }
}
