import type { IncomingMessage } from "node:http";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { TokenError } from "#server/auth/claims.ts";
import type { Admin } from "#server/auth/tokens.ts";
import { Refusal } from "#server/ingress/refusal.ts";

/** Bad tokens of one address a minute. Bounds guessing, and the work of checking what a stranger sends. */
export const MAX_BAD_TOKENS_PER_MINUTE = 20;
/** Requests by one token in ten seconds. Bounds what a script that went wild costs the sessions. */
export const MAX_REQUESTS_PER_TEN_SECONDS = 200;

const BEARER = { "WWW-Authenticate": "Bearer" };

/** Lets the host's admin in, by token, wherever an admin comes: API, live page and metrics. */
export class AdminDoor {
  readonly #authenticate: (token: string) => Promise<Admin>;
  readonly #badTokens = new RateLimiterMemory({ points: MAX_BAD_TOKENS_PER_MINUTE, duration: 60 });
  readonly #requests = new RateLimiterMemory({
    points: MAX_REQUESTS_PER_TEN_SECONDS,
    duration: 10,
  });

  /** `authenticate` throws TokenError. */
  constructor(authenticate: (token: string) => Promise<Admin>) {
    this.#authenticate = authenticate;
  }

  /** Throws Refusal. */
  async admitRequest(request: IncomingMessage): Promise<Admin> {
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined) {
      const sentence = 'The request has no admin token: send "Authorization: Bearer TOKEN".';
      throw new Refusal(401, sentence, BEARER);
    }
    return this.admit(token, request.socket.remoteAddress ?? "unknown");
  }

  /** Throws Refusal. */
  async admit(token: string, address: string): Promise<Admin> {
    const bad = await this.#badTokens.get(address);
    if (bad !== null && bad.consumedPoints >= MAX_BAD_TOKENS_PER_MINUTE) {
      throw tooMany("bad tokens came from this address", bad.msBeforeNext);
    }
    let admin: Admin;
    try {
      admin = await this.#authenticate(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      await this.#badTokens.penalty(address);
      throw error.reason === "role"
        ? new Refusal(403, error.message)
        : new Refusal(401, error.message, BEARER);
    }
    const requests = await this.#requests.penalty(admin.tokenId);
    if (requests.consumedPoints > MAX_REQUESTS_PER_TEN_SECONDS) {
      throw tooMany("requests came with this token", requests.msBeforeNext);
    }
    return admin;
  }
}

function tooMany(what: string, milliseconds: number): Refusal {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000));
  return new Refusal(429, `Too many ${what}: try again in ${seconds} s.`, {
    "Retry-After": String(seconds),
  });
}
