import { randomUUID } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { SigningKey } from "./signing-key.ts";

const ISSUER = "heliograph";
const ALGORITHM = "HS256";

/** A token as text. Bounds the work of checking what a stranger sends. */
const MAX_TOKEN_BYTES = 4096;

export const SESSION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const sessionName = z.string().regex(SESSION_NAME);
const GuestClaims = z.object({
  role: z.literal("guest"),
  session: sessionName,
  /** What the profile allows stands in the gateway's config. */
  profile: z.string().min(1).max(64),
});
/** What an admin's token names in place of a session: the whole host. */
export const EVERY_SESSION = "*";

const OperatorClaims = z.object({
  role: z.enum(["view", "control", "admin"]),
  session: sessionName,
});
const HostAdminClaims = z.object({ role: z.literal("admin"), session: z.literal(EVERY_SESSION) });
const Claims = z.union([GuestClaims, OperatorClaims, HostAdminClaims]);

export type GuestClaims = z.infer<typeof GuestClaims>;
export type OperatorClaims = z.infer<typeof OperatorClaims>;
export type Claims = z.infer<typeof Claims>;

/** Who acts on the whole host. */
export type Admin = {
  /** The token's `jti`, which names it in the log without giving it away. */
  readonly tokenId: string;
  readonly expiresAt: Date;
};

type Verified = { readonly claims: Claims; readonly id: string; readonly expiresAt: Date };

/** A token was not accepted; the message is a sentence for who presented it, without the token. */
export class TokenError extends Error {
  override name = "TokenError" as const;
  readonly reason: "invalid" | "expired" | "role";

  constructor(reason: TokenError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Signs and checks tokens: JSON Web Tokens (RFC 7519) whose subject is a session. */
export class Tokens {
  readonly #key: SigningKey;
  readonly #now: () => Date;

  constructor(key: SigningKey, now: () => Date = () => new Date()) {
    this.#key = key;
    this.#now = now;
  }

  async issue(claims: Claims, lifetimeSeconds: number): Promise<string> {
    const { session, ...rest } = Claims.parse(claims);
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    return new SignJWT(rest)
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#key.id })
      .setIssuer(ISSUER)
      .setSubject(session)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(this.#key.secret);
  }

  /** Throws TokenError. */
  async authenticateGuest(token: string): Promise<GuestClaims> {
    const { claims } = await this.#verify(token);
    if (claims.role === "guest") return claims;
    throw new TokenError(
      "role",
      `This token's role is "${claims.role}": a guest needs one from "heliograph token guest".`,
    );
  }

  /** Throws TokenError. */
  async authenticateOperator(token: string): Promise<OperatorClaims> {
    const { claims } = await this.#verify(token);
    if (claims.role === "guest") {
      throw new TokenError(
        "role",
        'This token\'s role is "guest": an operator needs one from "heliograph token operator".',
      );
    }
    if (claims.session !== EVERY_SESSION) return { ...claims, session: claims.session };
    throw new TokenError(
      "role",
      'This token is for the host\'s admin page (/admin/): an operator needs one from "heliograph token operator".',
    );
  }

  /** Throws TokenError. */
  async authenticateAdmin(token: string): Promise<Admin> {
    const { claims, id, expiresAt } = await this.#verify(token);
    if (claims.role === "admin" && claims.session === EVERY_SESSION) {
      return { tokenId: id, expiresAt };
    }
    throw new TokenError(
      "role",
      `This token's role is "${claims.role}" in session ${claims.session}: the host's admin needs one from "heliograph token admin".`,
    );
  }

  async #verify(token: string): Promise<Verified> {
    if (token.length > MAX_TOKEN_BYTES) {
      throw new TokenError(
        "invalid",
        `The token (${token.length} bytes) is over the limit (${MAX_TOKEN_BYTES}).`,
      );
    }
    try {
      const { payload } = await jwtVerify(token, this.#key.secret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ["sub", "exp"],
        currentDate: this.#now(),
      });
      const claims = Claims.parse({ ...payload, session: payload.sub });
      const expiresAt = new Date((payload.exp ?? 0) * 1000);
      return { claims, id: payload.jti ?? "unnamed", expiresAt };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) {
        const expiry = new Date((cause.payload.exp ?? 0) * 1000).toISOString();
        throw new TokenError("expired", `The token expired at ${expiry}: ask for a new one.`, {
          cause,
        });
      }
      throw new TokenError(
        "invalid",
        "The token is not one of this gateway's: check that it is whole and was made with this gateway's key.",
        { cause },
      );
    }
  }
}
