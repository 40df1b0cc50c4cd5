import { z } from "zod";

export const SESSION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A token's life in seconds at most. Bounds how long its revocation is kept. */
export const MAX_LIFETIME_SECONDS = 3650 * 86_400;

/** What a host admin's token names in place of a session: the whole host. */
export const EVERY_SESSION = "*";

const sessionName = z.string().regex(SESSION_NAME);
const operatorRole = z.enum(["view", "control", "admin"]);

const GuestClaims = z.object({
  role: z.literal("guest"),
  session: sessionName,
  /** What the profile allows stands in the gateway's config. */
  profile: z.string().min(1).max(64),
});
const OperatorClaims = z.object({ role: operatorRole, session: sessionName });
const HostAdminClaims = z.object({ role: z.literal("admin"), session: z.literal(EVERY_SESSION) });
/** Exchanged once for an operator's token. */
const InvitationClaims = z.object({
  role: z.literal("invitation"),
  session: sessionName,
  grants: operatorRole,
  /** Seconds that the operator's token lasts, from the exchange on. */
  lifetime: z.number().int().min(1).max(MAX_LIFETIME_SECONDS),
});
export const Claims = z.union([GuestClaims, OperatorClaims, HostAdminClaims, InvitationClaims]);

export type GuestClaims = z.infer<typeof GuestClaims>;
export type OperatorClaims = z.infer<typeof OperatorClaims>;
export type Claims = z.infer<typeof Claims>;

/** A token was not accepted; the message is a sentence for who presented it, without the token. */
export class TokenError extends Error {
  override name = "TokenError" as const;
  readonly reason: "invalid" | "expired" | "revoked" | "used" | "role";

  constructor(reason: TokenError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
