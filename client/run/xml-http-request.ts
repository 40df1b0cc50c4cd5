import { EventTarget, ProgressEvent } from "happy-dom";
import { defineHandlers } from "./event-handlers.ts";
import { fireProgress } from "./fire-progress.ts";

const TYPES = ["loadstart", "progress", "abort", "error", "load", "timeout", "loadend"];

/** The page's XMLHttpRequest, https://xhr.spec.whatwg.org/, on the page's fetch: it reads what lies beside the program, too. */
export function createXmlHttpRequestClass(base: URL, pageFetch: typeof fetch): new () => object {
  return class XMLHttpRequest extends EventTarget {
    static readonly UNSENT = 0;
    static readonly OPENED = 1;
    static readonly HEADERS_RECEIVED = 2;
    static readonly LOADING = 3;
    static readonly DONE = 4;
    readonly UNSENT = 0;
    readonly OPENED = 1;
    readonly HEADERS_RECEIVED = 2;
    readonly LOADING = 3;
    readonly DONE = 4;
    readyState: 0 | 1 | 2 | 3 | 4 = XMLHttpRequest.UNSENT;
    responseType: "" | "arraybuffer" | "blob" | "document" | "json" | "text" = "";
    /** Milliseconds; 0 for none. */
    timeout = 0;
    withCredentials = false;
    readonly upload = new EventTarget();
    readonly responseXML = null;
    #url: URL = base;
    #method = "GET";
    #headers = new Headers();
    #mimeType: string | undefined;
    #answer: Response | undefined;
    #bytes: ArrayBuffer | undefined;
    /** `response` gives one object for as long as it is asked for in one type. */
    #response: { readonly as: string; readonly value: unknown } | undefined;
    /** Ends the request that is under way. */
    #ending: AbortController | undefined;

    static {
      defineHandlers(this.prototype, ["readystatechange", ...TYPES]);
    }

    get status(): number {
      return this.#answer?.status ?? 0;
    }

    get statusText(): string {
      return this.#answer?.statusText ?? "";
    }

    get responseURL(): string {
      if (this.#answer === undefined) return "";
      return this.#answer.url === "" ? this.#url.href : this.#answer.url;
    }

    get responseText(): string {
      if (this.responseType !== "" && this.responseType !== "text") {
        throw new DOMException(
          `The response is of the type ${this.responseType}, and no text.`,
          "InvalidStateError",
        );
      }
      return this.#text();
    }

    get response(): unknown {
      const as = this.responseType;
      if (as === "" || as === "text") return this.#text();
      if (this.readyState !== XMLHttpRequest.DONE || this.#bytes === undefined) return null;
      if (this.#response?.as !== as) {
        this.#response = { as, value: this.#convert(this.#bytes, as) };
      }
      return this.#response.value;
    }

    open(method: string, url: string | URL, isAsync = true): void {
      if (!isAsync) {
        throw new DOMException(
          `A request of ${String(url)} that the program waits for is not possible here: leave out open's third argument.`,
          "NotSupportedError",
        );
      }
      this.#ending?.abort();
      this.#forget();
      this.#url = new URL(String(url), base);
      this.#method = method.toUpperCase();
      this.#headers = new Headers();
      this.#become(XMLHttpRequest.OPENED);
    }

    setRequestHeader(name: string, value: string): void {
      this.#requireOpened();
      this.#headers.append(name, value);
    }

    overrideMimeType(type: string): void {
      this.#mimeType = type;
    }

    getResponseHeader(name: string): string | null {
      return this.#answer?.headers.get(name) ?? null;
    }

    getAllResponseHeaders(): string {
      return [...(this.#answer?.headers ?? [])].map((pair) => `${pair.join(": ")}\r\n`).join("");
    }

    send(body: NonNullable<RequestInit["body"]> | null = null): void {
      this.#requireOpened();
      const ending = new AbortController();
      this.#ending = ending;
      const hasBody = body !== null && this.#method !== "GET" && this.#method !== "HEAD";
      fireProgress(this, "loadstart");
      void this.#run(ending, {
        method: this.#method,
        headers: this.#headers,
        ...(hasBody ? { body } : {}),
      });
    }

    abort(): void {
      const wasSent = this.#ending !== undefined;
      this.#ending?.abort();
      this.#forget();
      if (wasSent) this.#end("abort");
      this.readyState = XMLHttpRequest.UNSENT;
    }

    async #run(ending: AbortController, init: RequestInit): Promise<void> {
      const late = this.timeout > 0 ? AbortSignal.timeout(this.timeout) : undefined;
      const signal = AbortSignal.any([ending.signal, ...(late === undefined ? [] : [late])]);
      try {
        const answer = await pageFetch(this.#url, { ...init, signal });
        signal.throwIfAborted();
        this.#answer = answer;
        this.#become(XMLHttpRequest.HEADERS_RECEIVED);
        const bytes = await answer.arrayBuffer();
        signal.throwIfAborted();
        this.#bytes = bytes;
        this.#become(XMLHttpRequest.LOADING);
        fireProgress(this, "progress", bytes.byteLength);
        if (!ending.signal.aborted) this.#end("load", bytes.byteLength);
      } catch {
        if (ending.signal.aborted) return;
        this.#forget();
        this.#end(late?.aborted === true ? "timeout" : "error");
      }
    }

    #end(type: string, loaded = 0): void {
      this.#ending = undefined;
      this.#become(XMLHttpRequest.DONE);
      fireProgress(this, type, loaded);
      fireProgress(this, "loadend", loaded);
    }

    #forget(): void {
      this.#ending = undefined;
      this.#answer = undefined;
      this.#bytes = undefined;
      this.#response = undefined;
    }

    #become(state: 0 | 1 | 2 | 3 | 4): void {
      this.readyState = state;
      this.dispatchEvent(new ProgressEvent("readystatechange"));
    }

    #requireOpened(): void {
      if (this.readyState === XMLHttpRequest.OPENED && this.#ending === undefined) return;
      throw new DOMException(
        "The request is not opened, or was sent already.",
        "InvalidStateError",
      );
    }

    #text(): string {
      const charset = /charset="?([^";]+)/i.exec(this.#contentType)?.[1] ?? "utf-8";
      return this.#bytes === undefined ? "" : new TextDecoder(charset).decode(this.#bytes);
    }

    get #contentType(): string {
      return this.#mimeType ?? this.getResponseHeader("content-type") ?? "";
    }

    #convert(bytes: ArrayBuffer, as: string): unknown {
      switch (as) {
        case "arraybuffer":
          return bytes;
        case "blob":
          return new Blob([bytes], { type: this.#contentType });
        case "json":
          try {
            return JSON.parse(this.#text());
          } catch {
            return null;
          }
        default:
          return null;
      }
    }
  };
}
