import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_PENDING_REQUESTS } from "#shared/wire/limits.ts";
import type { Reply } from "#shared/wire/replies.ts";

/** Answers the commands that the API makes promises of, each once. */
export class Requests {
  readonly #reply: (reply: Reply) => void;
  #pending = 0;

  constructor(reply: (reply: Reply) => void) {
    this.#reply = reply;
  }

  /** Those that are not answered yet. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Replies when the promise is settled: with what `describe` makes of its value, or with the
   * rejection, which `failed` hears of first.
   */
  answer<T>(
    request: number,
    promise: Promise<T>,
    describe: (value: T) => Reply,
    failed?: () => void,
  ): void {
    if (this.#pending >= MAX_PENDING_REQUESTS) {
      throw new ProtocolError(
        `The guest waits for ${this.#pending} replies and asks for one more (limit ${MAX_PENDING_REQUESTS}).`,
      );
    }
    this.#pending++;
    void this.#settle(request, promise.then(describe), failed);
  }

  async #settle(
    request: number,
    promised: Promise<Reply>,
    failed: (() => void) | undefined,
  ): Promise<void> {
    let reply: Reply;
    try {
      reply = await promised;
    } catch (cause) {
      failed?.();
      reply = describeRejection(request, cause);
    }
    this.#pending--;
    this.#reply(reply);
  }
}

/** What a promise of Dawn's rejected with: a DOMException, a GPUPipelineError or a TypeError. */
function describeRejection(request: number, cause: unknown): Reply {
  if (!(cause instanceof Error)) {
    return { kind: "rejected", request, name: "OperationError", message: String(cause) };
  }
  const { name, message } = cause;
  const reason = "reason" in cause ? cause.reason : undefined;
  if (reason === "validation" || reason === "internal") {
    return { kind: "rejected", request, name, message, reason };
  }
  return { kind: "rejected", request, name, message };
}
