/** The members of an object that another program made: what is missing or of another type reads as absent. */
export class Members {
  readonly #members: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    this.#members = new Map(
      typeof value === "object" && value !== null ? Object.entries(value) : [],
    );
  }

  text(name: string): string {
    const value = this.#members.get(name);
    return typeof value === "string" ? value : "";
  }

  flag(name: string): boolean {
    return this.#members.get(name) === true;
  }

  maybe(name: string): number | undefined {
    const value = this.#members.get(name);
    return typeof value === "number" ? value : undefined;
  }

  /** Of an object that is a member itself. */
  inner(name: string): Members {
    return new Members(this.#members.get(name));
  }

  number(name: string): number {
    return this.maybe(name) ?? 0;
  }
}
