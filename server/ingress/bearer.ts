import type { IncomingMessage } from "node:http";
import type { TokenError } from "#server/auth/claims.ts";
import { Refusal } from "./refusal.ts";

const CHALLENGE = { "WWW-Authenticate": "Bearer" };

/** The token of a request's Authorization header: the only place where one counts. Throws Refusal. */
export function bearerToken(request: IncomingMessage, whose: string): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (token !== undefined) return token;
  throw new Refusal(
    401,
    `The request has no ${whose} token: send "Authorization: Bearer TOKEN".`,
    CHALLENGE,
  );
}

/** 403 for a good token of another role, else 401. */
export function tokenRefusal({ reason, message }: TokenError): Refusal {
  return reason === "role" ? new Refusal(403, message) : new Refusal(401, message, CHALLENGE);
}
