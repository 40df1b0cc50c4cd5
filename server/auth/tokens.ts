import { randomUUID } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import {
  Claims,
  EVERY_SESSION,
  type GuestClaims,
  MAX_LIFETIME_SECONDS,
  type OperatorClaims,
  TokenError,
} from "./claims.ts";
import { FolderWatch } from "./folder-watch.ts";
import { Holders, type Pass } from "./holders.ts";
import { SigningKeys } from "./signing-keys.ts";
import { type IssuedToken, TokenLedger } from "./token-ledger.ts";

const ISSUER = "heliograph";
const ALGORITHM = "HS256";

/** A token as text. Bounds the work of checking what a stranger sends. */
export const MAX_TOKEN_BYTES = 4096;

const REVOKED = "The token was revoked: ask for a new one.";
const KEY_DROPPED = "The key that signed this token is no longer in use: ask for a new token.";

/** Claims that were checked, and by which token they came. */
export type Checked<C extends Claims = Claims> = C & { readonly pass: Pass };

/** Who acts on the whole host. */
export type Admin = {
  /** Names the token in the log without giving it away. */
  readonly tokenId: string;
  readonly expiresAt: Date;
  readonly pass: Pass;
};

export type TokenState = "valid" | "revoked" | "used" | "key dropped";
export type ListedToken = IssuedToken & { readonly state: TokenState };

/** Signs and checks tokens: JSON Web Tokens (RFC 7519) whose subject is a session. */
export class Tokens {
  readonly keys: SigningKeys;
  readonly #ledger: TokenLedger;
  readonly #stateFolder: string;
  readonly #now: () => Date;
  readonly #holders = new Holders();

  private constructor(
    stateFolder: string,
    keys: SigningKeys,
    ledger: TokenLedger,
    now: () => Date,
  ) {
    this.#stateFolder = stateFolder;
    this.keys = keys;
    this.#ledger = ledger;
    this.#now = now;
  }

  /** Those of a gateway's state folder, made where there is none. Throws SigningKeyError or TokenJournalError. */
  static async open(stateFolder: string, now: () => Date = () => new Date()): Promise<Tokens> {
    const keys = await SigningKeys.open(stateFolder);
    return new Tokens(stateFolder, keys, await TokenLedger.open(stateFolder, now), now);
  }

  /**
   * Notices from now on what other processes change, and ends the connections of tokens that no longer count.
   * `failed` is told of files that can't be read; what was read before goes on to count.
   */
  watch(failed: (error: unknown) => void): Disposable {
    return new FolderWatch([this.#stateFolder, this.#ledger.folder], () => this.refresh(), failed);
  }

  /** Takes what other processes changed. */
  async refresh(): Promise<void> {
    const results = await Promise.allSettled([this.keys.reload(), this.#ledger.refresh()]);
    this.#endHolders();
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async issue(claims: Claims, lifetimeSeconds: number): Promise<string> {
    return this.#issue(claims, lifetimeSeconds, {});
  }

  /** Tokens that have not expired, the oldest first. */
  list(): readonly ListedToken[] {
    return this.#ledger.issued.map((token) => ({ ...token, state: this.#stateOf(token) }));
  }

  /** Ends a token and its connections; false where no token has the id. */
  async revoke(id: string): Promise<boolean> {
    const known = await this.#ledger.revoke(id);
    this.#endHolders();
    return known;
  }

  /**
   * Calls `end` when the token that let a connection in no longer counts, now or later. Returns what ends the
   * wait, to be called when the connection is gone.
   */
  hold(pass: Pass, end: (sentence: string) => void): () => void {
    const letGo = this.#holders.add(pass, end);
    this.#endHolders(); // It may have been revoked since it was checked.
    return letGo;
  }

  /** Throws TokenError. */
  async authenticateGuest(token: string): Promise<Checked<GuestClaims>> {
    const claims = await this.#verify(token);
    if (claims.role === "guest") return claims;
    throw new TokenError(
      "role",
      `This token's role is "${claims.role}": a guest needs one from "heliograph token guest".`,
    );
  }

  /** Throws TokenError. */
  async authenticateOperator(token: string): Promise<Checked<OperatorClaims>> {
    return asOperator(await this.#verify(token));
  }

  /** Throws TokenError. */
  async authenticateAdmin(token: string): Promise<Admin> {
    const { role, session, pass, expiresAt } = await this.#verify(token);
    if (role === "admin" && session === EVERY_SESSION) {
      return { tokenId: pass.id, expiresAt: new Date(expiresAt * 1000), pass };
    }
    throw new TokenError(
      "role",
      `This token's role is "${role}" in session ${session}: the host's admin needs one from "heliograph token admin".`,
    );
  }

  /**
   * As authenticateOperator(), and takes an invitation, too: it is used up, and `exchanged` is the operator's
   * token that the caller hands on. Throws TokenError.
   */
  async admitOperator(
    token: string,
  ): Promise<{ readonly claims: Checked<OperatorClaims>; readonly exchanged?: string }> {
    const claims = await this.#verify(token);
    if (claims.role !== "invitation") return { claims: asOperator(claims) };
    if (!(await this.#ledger.use(claims.pass.id, claims.expiresAt))) throw usedError();
    const exchanged = await this.#issue(
      { role: claims.grants, session: claims.session },
      claims.lifetime,
      { invitation: claims.pass.id },
    );
    return { claims: await this.authenticateOperator(exchanged), exchanged };
  }

  async #issue(
    claims: Claims,
    lifetimeSeconds: number,
    origin: { readonly invitation?: string },
  ): Promise<string> {
    if (lifetimeSeconds > MAX_LIFETIME_SECONDS) {
      throw new RangeError(
        `A token's life (${lifetimeSeconds} s) is over the limit (${MAX_LIFETIME_SECONDS} s).`,
      );
    }
    const { session, ...rest } = Claims.parse(claims);
    const { id: key, secret } = this.keys.newest;
    const id = randomUUID();
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const expiresAt = issuedAt + lifetimeSeconds;
    const token = await new SignJWT(rest)
      .setProtectedHeader({ alg: ALGORITHM, kid: key })
      .setIssuer(ISSUER)
      .setSubject(session)
      .setJti(id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(secret);
    // Before anybody has it: a token that is not on record could not be revoked.
    await this.#ledger.recordIssued({
      id,
      key,
      role: claims.role,
      session,
      ...(claims.role === "guest" ? { profile: claims.profile } : {}),
      ...(claims.role === "invitation" ? { grants: claims.grants } : {}),
      ...origin,
      issuedAt,
      expiresAt,
    });
    return token;
  }

  async #verify(token: string): Promise<Checked & { readonly expiresAt: number }> {
    if (token.length > MAX_TOKEN_BYTES) {
      throw new TokenError(
        "invalid",
        `The token (${token.length} bytes) is over the limit (${MAX_TOKEN_BYTES}).`,
      );
    }
    const { payload, keyId } = await this.#verifySignature(token);
    const parsed = Claims.safeParse({ ...payload, session: payload.sub });
    if (!parsed.success) throw invalidError(parsed.error);
    const id = payload.jti ?? "";
    if (this.#ledger.isRevoked(id)) throw new TokenError("revoked", REVOKED);
    if (this.#ledger.isUsed(id)) throw usedError();
    return { ...parsed.data, pass: { id, keyId }, expiresAt: payload.exp ?? 0 };
  }

  async #verifySignature(
    token: string,
  ): Promise<{ readonly payload: JWTPayload; readonly keyId: string }> {
    try {
      const { payload, protectedHeader } = await jwtVerify(
        token,
        async ({ kid }) => {
          // A token may be here before the file system's word of the key that signed it.
          const key = await this.keys.lookFor(kid);
          if (key === undefined) throw new errors.JWKSNoMatchingKey();
          return key.secret;
        },
        {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          requiredClaims: ["sub", "exp", "jti"],
          currentDate: this.#now(),
        },
      );
      return { payload, keyId: protectedHeader.kid ?? "" };
    } catch (cause) {
      if (!(cause instanceof errors.JWTExpired)) throw invalidError(cause);
      const expiry = new Date((cause.payload.exp ?? 0) * 1000).toISOString();
      throw new TokenError("expired", `The token expired at ${expiry}: ask for a new one.`, {
        cause,
      });
    }
  }

  #stateOf({ id, key }: IssuedToken): TokenState {
    if (this.#ledger.isRevoked(id)) return "revoked";
    if (this.#ledger.isUsed(id)) return "used";
    return this.keys.find(key) === undefined ? "key dropped" : "valid";
  }

  #endHolders(): void {
    this.#holders.endWhere(({ id, keyId }) => {
      if (this.#ledger.isRevoked(id)) return REVOKED;
      return this.keys.find(keyId) === undefined ? KEY_DROPPED : undefined;
    });
  }
}

function asOperator(claims: Checked): Checked<OperatorClaims> {
  const { role, session, pass } = claims;
  if (role === "guest" || role === "invitation") {
    throw new TokenError(
      "role",
      `This token's role is "${role}": an operator needs one from "heliograph token operator".`,
    );
  }
  if (session !== EVERY_SESSION) return { role, session, pass };
  throw new TokenError(
    "role",
    'This token is for the host\'s admin page (/admin/): an operator needs one from "heliograph token operator".',
  );
}

function usedError(): TokenError {
  return new TokenError("used", "The invitation was used already: ask for a new one.");
}

function invalidError(cause: unknown): TokenError {
  return new TokenError(
    "invalid",
    "The token is not one of this gateway's: check that it is whole and was made with this gateway's key.",
    { cause },
  );
}
