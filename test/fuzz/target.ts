import type { Random } from "./random.ts";

/** What came of playing one case. */
export type Played = {
  /** Messages that were handed over before the other side ended the conversation. */
  readonly taken: number;
  /** What went wrong, as a sentence; absent where all is as it should be. */
  readonly fault?: string;
  /** The case cost its own worker process, which is what a worker is for. Counted, and no fault. */
  readonly workerDeath?: string;
};

/** The running thing that a target's messages are played to. */
export interface Subject extends AsyncDisposable {
  /** Rejects only where the fuzzer itself is at fault. */
  play(messages: readonly Buffer[]): Promise<Played>;
  /** Bytes that the process under test holds after a collection. */
  memory(): Promise<number>;
}

export type Target = {
  readonly name: string;
  /** What is played to whom, in a line. */
  readonly what: string;
  /** Its messages in a full run of a million. */
  readonly share: number;
  /** Growth of memory that is no leak: caches, pools, compiled code. Bytes. */
  readonly maxGrowth: number;
  /** Starts what is needed. */
  open(): Promise<Subject>;
  /** One case: messages of a conversation from its beginning. The same choices make the same messages. */
  generate(random: Random): Buffer[];
};

/** One bug: what to play, shortest first found, and what comes of it. */
export type Finding = {
  readonly target: string;
  readonly seed: number;
  readonly fault: string;
  readonly messages: readonly Buffer[];
};
