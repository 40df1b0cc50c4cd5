import type { IncomingMessage } from "node:http";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { TokenError } from "#server/auth/claims.ts";
import type { Admin } from "#server/auth/tokens.ts";
import { bearerToken, tokenRefusal } from "#server/ingress/bearer.ts";
import type { Door, Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { Refusal } from "#server/ingress/refusal.ts";
import type { Events } from "#server/observe/events.ts";

/** Requests by one token in ten seconds. Bounds what a script that went wild costs the sessions. */
export const MAX_REQUESTS_PER_TEN_SECONDS = 200;

export type AdminDoorOptions = {
  /** Throws TokenError. */
  readonly authenticate: (token: string) => Promise<Admin>;
  readonly doorkeeper: Doorkeeper;
  readonly events: Events;
};

/**
 * Lets the host's admin in, by token, wherever an admin comes: API, live page and metrics. The doorkeeper has
 * counted the attempt by then, as any other request's or WebSocket's.
 */
export class AdminDoor {
  readonly #options: AdminDoorOptions;
  readonly #requests = new RateLimiterMemory({
    points: MAX_REQUESTS_PER_TEN_SECONDS,
    duration: 10,
  });

  constructor(options: AdminDoorOptions) {
    this.#options = options;
  }

  /** Throws Refusal. */
  async admitRequest(request: IncomingMessage): Promise<Admin> {
    let token: string;
    try {
      token = bearerToken(request, "admin");
    } catch (refusal) {
      await this.#options.doorkeeper.failure("web", request);
      throw refusal;
    }
    return this.admit(token, "web", request);
  }

  /** Throws Refusal. `request` is the WebSocket's for the live page. */
  async admit(token: string, door: Door, request: IncomingMessage): Promise<Admin> {
    const { authenticate, doorkeeper } = this.#options;
    let admin: Admin;
    try {
      admin = await authenticate(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      await doorkeeper.failure(door, request);
      throw tokenRefusal(error);
    }
    doorkeeper.authenticated(request);
    await this.#count(admin.tokenId, door);
    return admin;
  }

  async #count(tokenId: string, door: Door): Promise<void> {
    const { consumedPoints, msBeforeNext } = await this.#requests.penalty(tokenId);
    if (consumedPoints <= MAX_REQUESTS_PER_TEN_SECONDS) return;
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
    const sentence =
      `Over ${MAX_REQUESTS_PER_TEN_SECONDS} requests came with admin token ${tokenId} within ten seconds, ` +
      `which is the limit: try again in ${seconds} s.`;
    // Once in ten seconds: a script that went wild must not fill the log.
    if (consumedPoints === MAX_REQUESTS_PER_TEN_SECONDS + 1) {
      this.#options.events.doorLimited(door, sentence);
    }
    throw new Refusal(429, sentence, { "Retry-After": String(seconds) });
  }
}
