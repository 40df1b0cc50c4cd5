/**
 * Leaves messages out for as long as what is left still fails: halves first, then ever smaller parts (Zeller's delta
 * debugging). Asks at most `attempts` times, and returns the shortest list that failed.
 */
export async function shrink<T>(
  messages: readonly T[],
  fails: (fewer: readonly T[]) => Promise<boolean>,
  attempts: number,
): Promise<readonly T[]> {
  let shortest = messages;
  let left = attempts;
  for (let part = Math.ceil(shortest.length / 2); part >= 1;) {
    let removed = false;
    for (let at = 0; at < shortest.length && left > 0;) {
      left--;
      const fewer = shortest.toSpliced(at, part);
      if (fewer.length < shortest.length && (await fails(fewer))) {
        shortest = fewer;
        removed = true;
      } else {
        at += part;
      }
    }
    if (left === 0) return shortest;
    if (!removed || part > shortest.length) {
      if (part === 1) return shortest;
      part = Math.min(Math.ceil(part / 2), Math.max(1, Math.ceil(shortest.length / 2)));
    }
  }
  return shortest;
}
