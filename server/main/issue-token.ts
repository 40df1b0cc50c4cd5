import {
  type Claims,
  EVERY_SESSION,
  MAX_LIFETIME_SECONDS,
  SESSION_NAME,
} from "#server/auth/claims.ts";
import { failToken, withTokens } from "./token-command.ts";

export type TokenRequest = {
  readonly claims: Claims;
  /** A number and a unit: s, m, h or d. */
  readonly expires: string;
  readonly stateFolder?: string | undefined;
  /** Prints an operator's or admin's whole link instead of the token alone. */
  readonly url?: string | undefined;
};

export type InvitationRequest = Omit<TokenRequest, "claims"> & {
  readonly session: string;
  readonly role: "view" | "control" | "admin";
  /** How long the token lasts for which the invitation is exchanged; as `expires`. */
  readonly lasts: string;
};

const UNIT_SECONDS = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** `heliograph token guest|operator|admin`: prints a token of the gateway whose state folder this is. Resolves with the exit code. */
export async function printToken(request: TokenRequest): Promise<number> {
  const lifetime = parseDuration(request.expires);
  if (lifetime === undefined) return failToken(noDuration("--expires", request.expires));
  const { session, role } = request.claims;
  const everySession = session === EVERY_SESSION && role === "admin";
  if (!everySession && !SESSION_NAME.test(session)) {
    return failToken(
      `--session (${session}) is no session's name: write 1 to 64 letters, digits, dots, ` +
        "dashes or underscores, a letter or digit first.",
    );
  }
  return withTokens(request.stateFolder, async (tokens) => {
    const token = await tokens.issue(request.claims, lifetime);
    const link = everySession ? adminLink : viewerLink;
    process.stdout.write(`${request.url === undefined ? token : link(request.url, token)}\n`);
    return 0;
  });
}

/** `heliograph token invite`. Resolves with the exit code. */
export async function printInvitation({
  session,
  role,
  lasts,
  ...request
}: InvitationRequest): Promise<number> {
  const lifetime = parseDuration(lasts);
  if (lifetime === undefined) return failToken(noDuration("--lasts", lasts));
  return printToken({
    ...request,
    claims: { role: "invitation", session, grants: role, lifetime },
  });
}

/** The token stands in the fragment, which no browser sends to a server. */
export function viewerLink(gatewayUrl: string, token: string): string {
  return `${gatewayUrl.replace(/\/+$/, "")}/#token=${token}`;
}

/** The admin page's address; its token stands in the fragment as a viewer's does. */
export function adminLink(gatewayUrl: string, token: string): string {
  return `${gatewayUrl.replace(/\/+$/, "")}/admin/#token=${token}`;
}

/** Seconds, or undefined where the text is no duration, or one longer than a token may last. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS.get(unit ?? "") ?? Number.NaN);
  return seconds <= MAX_LIFETIME_SECONDS ? seconds : undefined;
}

function noDuration(option: string, text: string): string {
  return `${option} (${text}) is no duration of a token: write one such as 12h or 30d, up to ${MAX_LIFETIME_SECONDS / 86_400}d.`;
}
