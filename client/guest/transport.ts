/**
 * A byte stream to the relay (or, in tests, to a worker in the same process). What `send` is given
 * belongs to the transport from then on; what `onData` gives is valid during the call only.
 */
export type Transport = {
  send(bytes: Uint8Array): void;
  onData(callback: (bytes: Uint8Array) => void): void;
  /** Called once, when nothing more can be sent or received; the sentence says why, where known. */
  onClose(callback: (sentence?: string) => void): void;
  /** Idempotent. What was sent before still leaves. */
  close(): void;
  /** Whether the program waits for something, and so must not exit. Held at first. */
  hold?(isHeld: boolean): void;
};
