import type { Reply } from "#shared/wire/replies.ts";
import type { SessionBudget } from "./session-budget.ts";
import type { SurfaceHost } from "./surface-host.ts";

/** What replay needs from the connection that it serves. */
export interface ReplayHost {
  /** Names the connection in surface keys. */
  readonly connection: number;
  readonly surfaces: SurfaceHost;
  /** The session's, which its connections share. */
  readonly budget: SessionBudget;
  /** Sends a reply. Its data belongs to the host from here on. */
  reply(reply: Reply): void;
  /**
   * Runs the submit when there is credit for it: now, or before the promise that it returns resolves. The queue is the
   * one that it goes to.
   */
  submit(queue: GPUQueue, run: () => void): Promise<void> | undefined;
  /** The program wants ticks, or no longer. */
  onAnimation(running: boolean): void;
  /**
   * Every command of the tick's frame was replayed. `finished` resolves when the GPU has done its work
   * and its pictures are captured; it never rejects.
   */
  onEndFrame(tick: number, finished: Promise<void>): void;
}
