/** Resolves as the promise, or with undefined after so many milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for something to come of what was said to a peer, which may also break the connection; and not for ever. */
export async function quiet(
  milliseconds: number,
  answers: readonly Promise<unknown>[],
): Promise<void> {
  await within(
    milliseconds,
    Promise.race(answers).catch(() => undefined),
  );
  for (const each of answers) each.catch(() => undefined);
}
