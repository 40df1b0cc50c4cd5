import { ProtocolError } from "#shared/wire/errors.ts";
import { decodeCommand } from "#shared/wire/gen/decode-commands.ts";
import { MAX_STAGED_COMMANDS_BYTES } from "#shared/wire/limits.ts";
import { Reader } from "#shared/wire/reader.ts";
import { CommandReplayer } from "./command-replayer.ts";
import { CurrentObjects } from "./current-objects.ts";
import { Objects } from "./gen/objects.ts";
import type { ReplayHost } from "./replay-host.ts";
import { StagedPayload } from "./staged-payload.ts";

/**
 * Replays the command stream of one connection on Dawn, and owns every object that it makes there.
 *
 * A ProtocolError from any method is final: the caller sends no more bytes and calls close().
 */
export class Replayer implements Disposable {
  readonly #objects: Objects;
  readonly #payload: StagedPayload;
  readonly #current: CurrentObjects;
  readonly #sink: CommandReplayer;
  #resume: Promise<unknown> | undefined;
  #isClosed = false;

  /** `gpu` is Dawn's, and stays reachable elsewhere for as long as anything that it made. */
  constructor(gpu: GPU, host: ReplayHost) {
    this.#payload = new StagedPayload(host.budget.hostMemory);
    this.#objects = new Objects(this.#payload, host.budget.objects);
    const guarded: ReplayHost = {
      connection: host.connection,
      surfaces: host.surfaces,
      budget: host.budget,
      // Dawn goes on settling promises after close().
      reply: (reply) => this.#isClosed || host.reply(reply),
      submit: (queue, run) =>
        host.submit(queue, () => {
          if (!this.#isClosed) run();
        }),
      onAnimation: (running) => host.onAnimation(running),
      onEndFrame: (tick, finished) => host.onEndFrame(tick, finished),
    };
    this.#current = new CurrentObjects();
    const pauseUntil = (settled: Promise<unknown>): void => this.pauseUntil(settled);
    this.#sink = new CommandReplayer(gpu, guarded, this.#objects, this.#current, pauseUntil);
  }

  /**
   * Replays a batch of whole commands. Returns a promise when it has to pause within the batch (for a
   * device, say); until it resolves the bytes must stay as they are, and nothing else be called but
   * close().
   */
  execute(commands: Uint8Array): Promise<void> | undefined {
    return this.#replay(new Reader(commands));
  }

  /** Replays the staged payload as a batch of commands: see execute(). */
  executeStaged(): Promise<void> | undefined {
    const commands = this.#payload.take();
    if (commands.length > MAX_STAGED_COMMANDS_BYTES) {
      throw new ProtocolError(
        `A staged batch (${commands.length} bytes) is over the limit (${MAX_STAGED_COMMANDS_BYTES}).`,
      );
    }
    return this.execute(commands);
  }

  /** Promises of the program that are not answered yet. */
  get pendingRequests(): number {
    return this.#sink.pendingRequests;
  }

  beginPayload(total: number): void {
    this.#payload.begin(total);
  }

  payloadChunk(bytes: Uint8Array): void {
    this.#payload.chunk(bytes);
  }

  /** Called about once a second: see CommandReplayer. */
  freeDestroyed(): void {
    if (!this.#isClosed) this.#sink.freeDestroyed();
  }

  /** Holds back the commands after the one being replayed, until the promise is settled. */
  pauseUntil(settled: Promise<unknown>): void {
    const earlier = this.#resume;
    const both = earlier === undefined ? [settled] : [earlier, settled];
    this.#resume = Promise.allSettled(both);
  }

  /** Destroys every object. Replies that are still due are not sent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#payload.drop();
    for (const surface of this.#objects.surfaces.drain()) surface.close();
    // A device takes with it all that was made on it.
    for (const device of this.#objects.devices.drain()) device.destroy();
    this.#objects.drain();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #replay(reader: Reader): Promise<void> | undefined {
    const objects = this.#objects;
    const sink = this.#sink;
    const current = this.#current;
    try {
      let { remaining } = reader;
      while (remaining > 0) {
        decodeCommand(reader, objects, sink);
        current.replayed(remaining - reader.remaining);
        remaining = reader.remaining;
        if (this.#resume !== undefined) return this.#continue(reader);
      }
    } catch (cause) {
      if (cause instanceof ProtocolError) throw cause;
      // What WebGPU throws at the call, the guest throws itself and sends no command.
      throw new ProtocolError(`Dawn throws at a command: ${String(cause)}`, { cause });
    }
    return undefined;
  }

  async #continue(reader: Reader): Promise<void> {
    await this.#resume;
    this.#resume = undefined;
    if (!this.#isClosed) await this.#replay(reader);
  }
}
