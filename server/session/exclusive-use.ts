export type GpuUser = {
  readonly name: string;
  /** Its profile gives it the whole GPU. */
  readonly isExclusive: boolean;
  /** It has programs, or one is being let in. */
  readonly isInside: boolean;
};

/**
 * Why no program of this session is let in beside the others; undefined: one is. An exclusive session comes in when nobody else is
 * inside, and keeps all others out until its last program is gone; nobody is put out for it. No guest is told another's name.
 */
export function exclusionOf(user: GpuUser, all: Iterable<GpuUser>): string | undefined {
  for (const other of all) {
    if (other.name === user.name || !other.isInside) continue;
    if (other.isExclusive) {
      return "Another session has the GPU for itself: try again when its programs have ended.";
    }
    if (user.isExclusive) {
      return (
        `Session ${user.name} is to have the GPU for itself, and others use it: ` +
        "try again when their programs have ended."
      );
    }
  }
  return undefined;
}
