import { EVERY_SESSION } from "#server/auth/claims.ts";
import { SigningKeyError } from "#server/auth/signing-keys.ts";
import { TokenJournalError } from "#server/auth/token-journal.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { ProblemDetails, SessionRecording } from "#shared/admin/messages.ts";

export type RecordRequest = {
  /** Where the gateway is reached, such as http://127.0.0.1:7340. */
  readonly gateway: string;
  readonly session: string;
  /** Undefined: as the session's profile says. */
  readonly on: boolean | undefined;
  readonly stateFolder?: string | undefined;
};

/** The command's own token lives so long. */
const TOKEN_SECONDS = 60;

/** A gateway that does not answer. */
const TIMEOUT_MS = 10_000;

/** `heliograph record`: tells the running gateway whose state folder this is. Resolves with the exit code. */
export async function record(request: RecordRequest): Promise<number> {
  try {
    return await ask(request);
  } catch (error) {
    if (error instanceof SigningKeyError || error instanceof TokenJournalError) {
      return fail(error.message);
    }
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return fail(
      `The gateway at ${request.gateway} does not answer (${error.message}${cause}): name a running one by --gateway.`,
    );
  }
}

async function ask({ gateway, session, on, stateFolder }: RecordRequest): Promise<number> {
  const tokens = await Tokens.open(stateFolder ?? readGatewayEnvironment().stateFolder);
  const token = await tokens.issue({ role: "admin", session: EVERY_SESSION }, TOKEN_SECONDS);
  const url = new URL(`/api/admin/sessions/${encodeURIComponent(session)}/recording`, gateway);
  const response = await fetch(url, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ on: on ?? null }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer: unknown = await response.json();
  if (!response.ok) return fail(ProblemDetails.parse(answer).detail);
  const { on: isOn, folder, programs, recorded } = SessionRecording.parse(answer);
  say(
    isOn
      ? `Programs of ${session} that connect from now on are recorded to ${folder}.`
      : `Programs of ${session} that connect from now on are not recorded.`,
  );
  const others = programs - recorded;
  // A stream replays from its first byte only.
  if (isOn && others > 0) say(`${others} run already and are not: start them anew.`);
  if (!isOn && recorded > 0) say(`${recorded} that run are recorded to their end.`);
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Says why not; the exit code. */
function fail(sentence: string): number {
  process.stderr.write(`heliograph record: ${sentence}\n`);
  return 1;
}
