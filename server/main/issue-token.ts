import { openSigningKey, SigningKeyError } from "#server/auth/signing-key.ts";
import { type Claims, EVERY_SESSION, SESSION_NAME, Tokens } from "#server/auth/tokens.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";

export type TokenRequest = {
  readonly claims: Claims;
  /** A number and a unit: s, m, h or d. */
  readonly expires: string;
  readonly stateFolder?: string | undefined;
  /** Prints an operator's or admin's whole link instead of the token alone. */
  readonly url?: string | undefined;
};

const UNIT_SECONDS = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** `heliograph token`: prints a token of the gateway whose state folder this is. Resolves with the exit code. */
export async function printToken(request: TokenRequest): Promise<number> {
  const lifetime = parseDuration(request.expires);
  if (lifetime === undefined) {
    return fail(`--expires (${request.expires}) is no duration: write one such as 12h or 30d.`);
  }
  const { session } = request.claims;
  if (session !== EVERY_SESSION && !SESSION_NAME.test(session)) {
    return fail(
      `--session (${session}) is no session's name: write 1 to 64 letters, digits, dots, ` +
        "dashes or underscores, a letter or digit first.",
    );
  }
  try {
    const key = await openSigningKey(request.stateFolder ?? readGatewayEnvironment().stateFolder);
    const token = await new Tokens(key).issue(request.claims, lifetime);
    const link = session === EVERY_SESSION ? adminLink : viewerLink;
    process.stdout.write(`${request.url === undefined ? token : link(request.url, token)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof SigningKeyError) return fail(error.message);
    throw error;
  }
}

/** The token stands in the fragment, which no browser sends to a server. */
export function viewerLink(gatewayUrl: string, token: string): string {
  return `${gatewayUrl.replace(/\/+$/, "")}/#token=${token}`;
}

/** The admin page's address; its token stands in the fragment as a viewer's does. */
export function adminLink(gatewayUrl: string, token: string): string {
  return `${gatewayUrl.replace(/\/+$/, "")}/admin/#token=${token}`;
}

/** Seconds, or undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNIT_SECONDS.get(unit);
  return seconds === undefined ? undefined : Number(count) * seconds;
}

function fail(sentence: string): number {
  process.stderr.write(`heliograph token: ${sentence}\n`);
  return 1;
}
