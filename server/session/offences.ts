/** So many within the window, and the guest is kept out until an admin lets it back. */
export const MAX_OFFENCES = 3;
export const OFFENCE_WINDOW_MS = 10 * 60_000;

/** Why a guest is kept out then. */
export const TOO_MANY_OFFENCES =
  `Its programs held the GPU past the deadline ${MAX_OFFENCES} times in ` +
  `${OFFENCE_WINDOW_MS / 60_000} minutes.`;

/** What programs, viewers and the admin are told of one. */
export function overdueSentence(milliseconds: number): string {
  const seconds = (milliseconds / 1000).toFixed(1);
  return `A submit held the GPU for ${seconds} s, past the deadline, and its worker was killed.`;
}

/** The same of a worker whose main thread, or compiler, was not done meanwhile. */
export function hungSentence(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `One command kept the GPU worker busy for over ${seconds} s (a shader that takes as long to compile, say), and it was killed.`;
}

/** Counts how often a session's programs held the GPU past the deadline. Time is the caller's, in milliseconds. */
export class Offences {
  readonly #times: number[] = [];

  /** True: this one is one too many. */
  add(now: number): boolean {
    this.#forget(now);
    this.#times.push(now);
    return this.#times.length >= MAX_OFFENCES;
  }

  /** Milliseconds from `now` until none counts any more. */
  remembered(now: number): number {
    this.#forget(now);
    const last = this.#times.at(-1);
    return last === undefined ? 0 : last + OFFENCE_WINDOW_MS - now;
  }

  #forget(now: number): void {
    while (this.#times.length > 0 && now - this.#times[0]! >= OFFENCE_WINDOW_MS)
      this.#times.shift();
  }
}
