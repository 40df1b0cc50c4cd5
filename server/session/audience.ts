import type { ToMedia } from "#server/media/messages.ts";
import type { ViewerInlet, ViewerOutlet, ViewerRole } from "#server/signaling/signaling.ts";
import { assertNever } from "#shared/base/assert.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import type { ResizeInput } from "#shared/input/events.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { HeldInput } from "./held-input.ts";
import { MAX_VIEWERS } from "./limits.ts";
import type { MediaMessage } from "./media-pool.ts";
import { SessionUnavailable } from "./session-unavailable.ts";
import { Viewers } from "./viewers.ts";

type FromViewer = Extract<
  MediaMessage,
  { type: "description" | "candidate" | "input" | "viewerState" }
>;

export type AudienceEvents = {
  readonly joined: (viewer: string, control: boolean) => void;
  readonly left: (viewer: string) => void;
  readonly failed: (viewer: string, reason: string | undefined) => void;
  /** For the program that is shown. */
  readonly input: (event: Uint8Array) => void;
  /** The viewer that decides the size wants another, or another decides. */
  readonly wished: () => void;
};

/** Who watches a session: their ways to and from the media thread, and what they press. */
export class Audience {
  readonly #session: string;
  readonly #postToMedia: (message: ToMedia) => void;
  readonly #events: AudienceEvents;
  readonly #outlets = new Map<string, ViewerOutlet>();
  readonly #viewers = new Viewers();
  readonly #held = new Map<string, HeldInput>();

  constructor(session: string, postToMedia: (message: ToMedia) => void, events: AudienceEvents) {
    this.#session = session;
    this.#postToMedia = postToMedia;
    this.#events = events;
  }

  get count(): number {
    return this.#viewers.count;
  }

  /** The size that the deciding viewer wants. */
  get wish(): ResizeInput | undefined {
    return this.#viewers.wish;
  }

  /** Throws SessionUnavailable. */
  add(viewer: string, role: ViewerRole, outlet: ViewerOutlet, state: SessionState): ViewerInlet {
    if (this.#viewers.count >= MAX_VIEWERS) {
      throw new SessionUnavailable(
        `Session ${this.#session} has ${MAX_VIEWERS} viewers already, which is the limit.`,
      );
    }
    const post = this.#postToMedia;
    const control = role !== "view";
    this.#viewers.add(viewer, control);
    this.#held.set(viewer, new HeldInput());
    this.#outlets.set(viewer, outlet);
    outlet.state(state);
    post({ type: "addViewer", session: this.#session, viewer, control });
    this.#events.joined(viewer, control);
    return {
      description: (description) => post({ type: "description", viewer, description }),
      candidate: (candidate) => post({ type: "candidate", viewer, candidate }),
      left: () => this.#left(viewer),
    };
  }

  /** What the media thread says of one of them. */
  onMedia(message: FromViewer): void {
    switch (message.type) {
      case "description":
        this.#outlets.get(message.viewer)?.description(message.description);
        return;
      case "candidate":
        this.#outlets.get(message.viewer)?.candidate(message.candidate);
        return;
      case "input":
        this.#input(message.viewer, message.event);
        return;
      case "viewerState":
        // The thread has forgotten a viewer that failed; it may come back as a new one.
        if (message.state === "failed" || message.state === "closed") {
          this.#events.failed(message.viewer, message.reason);
          this.#outlets.get(message.viewer)?.disconnect();
        }
        return;
      default:
        assertNever(message);
    }
  }

  tell(state: SessionState): void {
    for (const outlet of this.#outlets.values()) outlet.state(state);
  }

  /** They come back by themselves. */
  disconnect(): void {
    for (const outlet of this.#outlets.values()) outlet.disconnect();
  }

  /** They do not come back. */
  refuse(sentence: string): void {
    for (const outlet of this.#outlets.values()) outlet.refuse(sentence);
  }

  #left(viewer: string): void {
    if (!this.#outlets.delete(viewer)) return;
    this.#viewers.remove(viewer);
    // What the viewer held down is let go of: no key may stick in the program.
    if (this.#held.get(viewer)?.isEmpty === false) {
      this.#events.input(encodeInput({ type: "blur" }));
    }
    this.#held.delete(viewer);
    this.#postToMedia({ type: "removeViewer", viewer });
    this.#events.left(viewer);
  }

  #input(viewer: string, bytes: Uint8Array): void {
    const event = decodeInput(bytes);
    if (event.type === "resize") {
      if (this.#viewers.resized(viewer, event)) this.#events.wished();
      return;
    }
    this.#held.get(viewer)?.add(event);
    const acts = event.type === "pointerdown" || event.type === "keydown" || event.type === "wheel";
    if (acts && this.#viewers.acted(viewer)) this.#events.wished();
    this.#events.input(bytes);
  }
}
