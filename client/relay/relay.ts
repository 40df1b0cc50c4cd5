import type { Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "./backoff.ts";
import { checkGateway, dialGateway, isLasting } from "./dial.ts";
import type { GatewayAddress } from "./gateway-address.ts";
import { ProgramLink, sayGoodbye } from "./program-link.ts";
import type { Reporter } from "./reporter.ts";
import { listenForPrograms } from "./socket-file.ts";
import type { TokenSource } from "./token.ts";

/** A program that waits for a way to the gateway is told to give up after this. */
const PROGRAM_PATIENCE_MS = 60_000;
/** Between two attempts to reach the gateway while a program waits. */
const LAST_DIAL_DELAY_MS = 2_000;

export type RelayOptions = {
  readonly address: GatewayAddress;
  readonly token: TokenSource;
  readonly socketPath: string;
  readonly reporter: Reporter;
};

/** Carries the programs of one VM to the gateway, each on a WebSocket of its own. */
export class Relay implements AsyncDisposable {
  readonly #options: RelayOptions;
  readonly #closing = new AbortController();
  readonly #programs = new Set<Promise<void>>();
  #server: Server | undefined;

  private constructor(options: RelayOptions) {
    this.#options = options;
  }

  get socketPath(): string {
    return this.#options.socketPath;
  }

  /** Throws RelayError when it can't listen, GatewayError when the gateway will never take it. */
  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    try {
      await relay.#check();
    } catch (error) {
      if (isLasting(error)) throw error;
      options.reporter.problem(`${messageOf(error)} The relay keeps trying.`);
      void relay.#checkUntilWell();
    }
    relay.#server = await listenForPrograms(options.socketPath, (socket) => {
      const served = relay.#serve(socket).finally(() => relay.#programs.delete(served));
      relay.#programs.add(served);
    });
    return relay;
  }

  /** Programs are told, and their links closed in order. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The relay is stopping."));
    this.#server?.close();
    await Promise.all(this.#programs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #check(): Promise<void> {
    await checkGateway(this.#options.address, this.#options.token);
    this.#options.reporter.well();
  }

  /** Without a program nobody would notice that the gateway is back. */
  async #checkUntilWell(): Promise<void> {
    const backoff = new Backoff();
    while (await this.#pause(backoff.next())) {
      try {
        await this.#check();
        return;
      } catch (error) {
        if (!isLasting(error)) continue;
        this.#options.reporter.problem(messageOf(error));
        return;
      }
    }
  }

  async #serve(program: Socket): Promise<void> {
    const { signal } = this.#closing;
    program.on("error", () => program.destroy());
    try {
      const { address, token } = this.#options;
      const link = new ProgramLink(program, await this.#dial(), (resume, abort) =>
        dialGateway(address, token, { resume, signal: abort }),
      );
      const end = () => link.end("The relay is stopping.");
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
      await link.closed;
      signal.removeEventListener("abort", end);
    } catch (error) {
      // Nothing of the program went up, so nothing is lost; it may try again.
      sayGoodbye(program, messageOf(error));
      program.resume();
    }
  }

  /** Tries until the gateway answers or patience ends. Throws an Error with a sentence for the program. */
  async #dial() {
    const { address, token, reporter } = this.#options;
    const backoff = new Backoff(Math.random, LAST_DIAL_DELAY_MS);
    const deadline = performance.now() + PROGRAM_PATIENCE_MS;
    for (;;) {
      try {
        const ws = await dialGateway(address, token);
        reporter.well();
        return ws;
      } catch (error) {
        reporter.problem(messageOf(error));
        if (isLasting(error) || performance.now() > deadline) throw error;
        if (!(await this.#pause(backoff.next()))) throw this.#closing.signal.reason;
      }
    }
  }

  /** False: the relay is stopping. */
  async #pause(milliseconds: number): Promise<boolean> {
    const { signal } = this.#closing;
    try {
      await delay(milliseconds, undefined, { signal, ref: true });
      return true;
    } catch {
      return false;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
