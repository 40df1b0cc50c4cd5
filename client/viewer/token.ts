// The token travels in the address's fragment, which no browser sends to a server. It is taken out of
// the address at once, so that it stands neither in a screenshot nor in a copied link, and kept for
// this tab only, so that a reload works.

/** The token in a fragment such as `#token=…`, or undefined. */
export function tokenInFragment(fragment: string): string | undefined {
  const token = new URLSearchParams(fragment.replace(/^#/, "")).get("token")?.trim();
  return token === undefined || token === "" ? undefined : token;
}

/** The token in what a person pasted: a whole address, a fragment or the token itself. */
export function tokenInText(text: string): string | undefined {
  const trimmed = text.trim();
  const hash = trimmed.indexOf("#");
  if (hash !== -1) return tokenInFragment(trimmed.slice(hash));
  if (trimmed.startsWith("token=")) return tokenInFragment(trimmed);
  return /^[\w.~+/=-]+$/.test(trimmed) ? trimmed : undefined;
}

/** The part of the browser that holds the token. Storage may be forbidden: then a reload asks again. */
export class TokenKeeper {
  readonly #window: Window;
  readonly #key: string;

  /** `key` is the name that the token is kept under: pages of one gateway share the storage. */
  constructor(window: Window, key: string) {
    this.#window = window;
    this.#key = key;
  }

  /** The fragment's token, else the one that this tab had before. */
  read(): string | undefined {
    const { location, history } = this.#window;
    const token = tokenInFragment(location.hash);
    if (token === undefined) return this.#stored();
    this.keep(token);
    history.replaceState(history.state, "", location.pathname + location.search);
    return token;
  }

  keep(token: string): void {
    try {
      this.#window.sessionStorage.setItem(this.#key, token);
    } catch {
      // Private modes may forbid storage; the page works without it.
    }
  }

  forget(): void {
    try {
      this.#window.sessionStorage.removeItem(this.#key);
    } catch {
      // As in keep().
    }
  }

  #stored(): string | undefined {
    try {
      return this.#window.sessionStorage.getItem(this.#key) ?? undefined;
    } catch {
      return undefined;
    }
  }
}
