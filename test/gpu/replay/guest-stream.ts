import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { Replayer } from "#server/replay/replayer.ts";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import type { PresentedPicture, SurfaceHost } from "#server/replay/surface-host.ts";
import { WireGuest } from "#test/support/wire-guest.ts";

export type { Ref } from "#test/support/wire-guest.ts";

/** Captures nothing: keeps what was presented, texture and all, for the test to look at. */
class KeptPictures implements SurfaceHost {
  readonly presented: PresentedPicture[] = [];
  readonly released: number[] = [];

  captureUsage(): number {
    return 1; // COPY_SRC
  }

  async present(picture: PresentedPicture): Promise<void> {
    this.presented.push(picture);
    await picture.device.queue.onSubmittedWorkDone();
  }

  release({ id }: { readonly id: number }): void {
    this.released.push(id);
  }
}

/** A guest on one end and a Replayer on the other, with no transport between. */
export class GuestStream extends WireGuest implements Disposable {
  readonly events: string[] = [];
  readonly pictures = new KeptPictures();
  readonly replayer: Replayer;
  readonly #frames = new ReplyFrames((bytes) => this.receive(bytes));

  /** `budget` is the session's, which its connections share. */
  constructor(gpu: GPU, budget = new SessionBudget(DEFAULT_BOUNDS)) {
    super();
    this.replayer = new Replayer(gpu, {
      connection: 7,
      surfaces: this.pictures,
      budget,
      reply: (reply) => {
        this.#frames.write(reply);
        this.#frames.flush();
      },
      submit: (_queue, run) => {
        run();
        return undefined;
      },
      onAnimation: (running) => this.events.push(`animation ${running}`),
      onEndFrame: (tick, finished) => {
        this.events.push(`received ${tick}`);
        void finished.then(() => this.events.push(`finished ${tick}`));
      },
    });
  }

  async send(): Promise<void> {
    await this.replayer.execute(this.writer.take());
  }

  /** Stages a payload, in chunks of an odd size. */
  stage(bytes: Uint8Array): void {
    this.replayer.beginPayload(bytes.length);
    for (let at = 0; at < bytes.length; at += 100_003) {
      this.replayer.payloadChunk(bytes.subarray(at, at + 100_003));
    }
  }

  [Symbol.dispose](): void {
    this.replayer.close();
  }
}
