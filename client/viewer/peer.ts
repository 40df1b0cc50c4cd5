import {
  type Candidate,
  type Description,
  INPUT_CHANNEL,
  MOVES_CHANNEL,
  STATS_CHANNEL,
} from "#shared/signaling/messages.ts";

/** A path that broke often mends itself within this time; past it a new one is quicker. */
const INTERRUPTION_MS = 3_000;
/** From the offer to a working path. Past it the page says that something is in the way. */
const CONNECT_MS = 12_000;

export type PeerEvents = {
  readonly answer: (description: Description) => void;
  readonly candidate: (candidate: Candidate | null) => void;
  readonly stream: (stream: MediaStream) => void;
  readonly channel: (channel: PeerChannel) => void;
  readonly connected: () => void;
  /** The path broke and may come back. */
  readonly interrupted: () => void;
  /** This connection is of no more use, and is to be closed. Said once. */
  readonly failed: () => void;
};

type PeerChannel =
  | { readonly label: "input" | "moves"; readonly channel: RTCDataChannel }
  | { readonly label: "stats"; readonly channel: RTCDataChannel };

/** The media connection. The gateway offers, this side answers. */
export class Peer {
  readonly #events: PeerEvents;
  readonly #connection = new RTCPeerConnection();
  readonly #early: Candidate[] = [];
  #order: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(events: PeerEvents) {
    this.#events = events;
    const connection = this.#connection;
    this.#expectWithin(CONNECT_MS);
    connection.addEventListener("icecandidate", ({ candidate }) => {
      events.candidate(
        candidate === null
          ? null
          : {
              candidate: candidate.candidate,
              sdpMid: candidate.sdpMid,
              sdpMLineIndex: candidate.sdpMLineIndex,
            },
      );
    });
    connection.addEventListener("track", ({ track, receiver, streams }) => {
      preferLatency(receiver);
      if (track.kind === "video") events.stream(streams[0] ?? new MediaStream([track]));
    });
    connection.addEventListener("datachannel", ({ channel }) => {
      channel.binaryType = "arraybuffer";
      // A path that breaks leaves channels open: the gateway closed its side, and says so by this alone.
      channel.addEventListener("close", () => this.#fail());
      switch (channel.label) {
        case INPUT_CHANNEL:
          events.channel({ label: "input", channel });
          break;
        case MOVES_CHANNEL:
          events.channel({ label: "moves", channel });
          break;
        case STATS_CHANNEL:
          events.channel({ label: "stats", channel });
          break;
      }
    });
    connection.addEventListener("connectionstatechange", () => this.#stateChanged());
  }

  accept(description: Description): void {
    this.#inOrder(async () => {
      await this.#connection.setRemoteDescription(description);
      for (const candidate of this.#early.splice(0)) await this.#add(candidate);
      await this.#connection.setLocalDescription();
      const sdp = this.#connection.localDescription?.sdp;
      if (sdp !== undefined && !this.#ended) this.#events.answer({ type: "answer", sdp });
    });
  }

  /** Null, the end of the candidates, needs nothing done here. */
  addCandidate(candidate: Candidate | null): void {
    if (candidate === null) return;
    this.#inOrder(async () => {
      if (this.#connection.remoteDescription === null) this.#early.push(candidate);
      else await this.#add(candidate);
    });
  }

  async stats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A candidate that this browser cannot use (an address family it lacks) is one path less, not a failure. */
  async #add(candidate: Candidate): Promise<void> {
    await this.#connection.addIceCandidate(candidate).catch(() => undefined);
  }

  #inOrder(step: () => Promise<void>): void {
    const before = this.#order;
    this.#order = (async () => {
      await before;
      if (this.#ended) return;
      await step().catch(() => this.#fail());
    })();
  }

  #stateChanged(): void {
    if (this.#ended) return;
    switch (this.#connection.connectionState) {
      case "connected":
        clearTimeout(this.#timer);
        this.#events.connected();
        break;
      case "disconnected":
        this.#expectWithin(INTERRUPTION_MS);
        this.#events.interrupted();
        break;
      case "failed":
      case "closed":
        this.#fail();
        break;
      case "new":
      case "connecting":
        break;
    }
  }

  #expectWithin(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), milliseconds);
  }

  /** The owner closes it: until then the video stands. */
  #fail(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#events.failed();
  }
}

/** Asks for no jitter buffer. Older Chromes know the second name only; a browser with neither plays all the same. */
function preferLatency(receiver: RTCRtpReceiver & { playoutDelayHint?: number }): void {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}
