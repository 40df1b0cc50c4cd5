/** What a program's link to the relay tells the one who joined it with the worker. */
export type CarrierEvents = {
  /**
   * The next bytes of the program. `passedOn` is called once the worker's socket took them. False: its
   * pipe is full, until the carrier's pipeDrained().
   */
  readonly up: (chunk: Buffer, passedOn: () => void) => boolean;
  /** The program has taken most of what was sent. */
  readonly drained: () => void;
  /** In milliseconds, smoothed. */
  readonly roundTrip: (milliseconds: number) => void;
  /** The link broke, and may come back; nothing is lost. */
  readonly away: (reason: string) => void;
  readonly back: () => void;
  /** The peer broke the link's rules: it is to be closed. */
  readonly breach: (sentence: string) => void;
  /** Told once, except after close(). */
  readonly ended: (reason: string, orderly: boolean) => void;
};

/** The way to one program over one WebSocket, or over several in turn. */
export type Carrier = {
  /** Bytes that were sent down and are still held here. */
  readonly held: number;
  /** There is no WebSocket at the moment. */
  readonly isAway: boolean;
  /** Sends one whole frame. Owns it. Harmless after the end. */
  send(frame: Uint8Array): void;
  /** The worker's pipe takes bytes again. */
  pipeDrained(): void;
  /** Ends the link; `goodbye` is its last frame. Idempotent. */
  close(code: number, sentence: string, goodbye: Uint8Array | undefined): void;
};
