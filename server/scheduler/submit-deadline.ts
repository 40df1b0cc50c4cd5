/** GPU time of one submit. The host's worker may be slow to hear that it is done: half of it is for that. */
const HARDWARE_DEADLINE_MS = 1_000;
/** A software GPU compiles shaders inside submits. */
const SOFTWARE_DEADLINE_MS = 5_000;

/** Milliseconds of one submit past which its worker is killed, unless the configuration says otherwise. */
export function usualSubmitDeadline(isSoftware: boolean): number {
  return isSoftware ? SOFTWARE_DEADLINE_MS : HARDWARE_DEADLINE_MS;
}
