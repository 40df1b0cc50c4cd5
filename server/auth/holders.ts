/** What a token is known by: nothing that lets anybody in. */
export type Pass = { readonly id: string; readonly keyId: string };

type Holder = { readonly pass: Pass; readonly end: (sentence: string) => void };

/** The open connections, and the token by which each was let in. */
export class Holders {
  readonly #holders = new Set<Holder>();

  /** Returns what forgets the connection, to be called when it is gone. */
  add(pass: Pass, end: (sentence: string) => void): () => void {
    const holder = { pass, end };
    this.#holders.add(holder);
    return () => {
      this.#holders.delete(holder);
    };
  }

  /** Ends each connection for whose token there is a sentence. */
  endWhere(sentenceFor: (pass: Pass) => string | undefined): void {
    for (const holder of this.#holders) {
      const sentence = sentenceFor(holder.pass);
      if (sentence === undefined) continue;
      this.#holders.delete(holder);
      holder.end(sentence);
    }
  }
}
