import { readFile } from "node:fs/promises";
import { RelayError } from "./errors.ts";

/** Gives the token when it is needed; a file is read anew each time, so a replaced token counts at once. */
export type TokenSource = () => Promise<string>;

/** Throws RelayError where there is neither a file nor a token in the environment. */
export function tokenSource(
  file: string | undefined,
  fromEnvironment: string | undefined,
): TokenSource {
  if (file !== undefined) return () => readToken(file);
  const token = fromEnvironment?.trim();
  if (token === undefined || token === "") {
    throw new RelayError(
      'The relay has no token: write what "heliograph token guest" prints to a file and name it with ' +
        "--token-file, or put it in HELIOGRAPH_TOKEN.",
    );
  }
  return () => Promise.resolve(token);
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RelayError(
      `The token file ${file} can't be read (${reason}): correct --token-file.`,
      {
        cause,
      },
    );
  }
  const token = text.trim();
  if (/^\S+$/.test(token)) return token;
  throw new RelayError(
    `The token file ${file} does not hold one token: write what "heliograph token guest" prints to it.`,
  );
}
