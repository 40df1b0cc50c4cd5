/** The host's worker may be slow to hear that a submit is done: half of it is for that. */
const HARDWARE_DEADLINE_MS = 1_000;

/** The software GPU compiles shaders inside submits. */
const SOFTWARE_DEADLINE_MS = 5_000;

/** GPU time of one submit, in milliseconds, past which its worker is killed where the configuration says nothing else. */
export function usualSubmitDeadline(isSoftware: boolean): number {
  return isSoftware ? SOFTWARE_DEADLINE_MS : HARDWARE_DEADLINE_MS;
}
