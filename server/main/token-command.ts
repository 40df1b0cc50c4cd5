import { SigningKeyError } from "#server/auth/signing-keys.ts";
import { TokenJournalError } from "#server/auth/token-journal.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";

/** Runs what a `heliograph token` command does with the tokens of a state folder. Resolves with the exit code. */
export async function withTokens(
  stateFolder: string | undefined,
  run: (tokens: Tokens) => Promise<number>,
): Promise<number> {
  try {
    return await run(await Tokens.open(stateFolder ?? readGatewayEnvironment().stateFolder));
  } catch (error) {
    if (error instanceof SigningKeyError || error instanceof TokenJournalError) {
      return failToken(error.message);
    }
    throw error;
  }
}

/** Says why not; the exit code. */
export function failToken(sentence: string): number {
  process.stderr.write(`heliograph token: ${sentence}\n`);
  return 1;
}
