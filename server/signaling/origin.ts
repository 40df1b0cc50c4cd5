import type { IncomingMessage } from "node:http";
import { Refusal } from "#server/ingress/refusal.ts";

/** What of a stranger's origin is said back to it: a header may be much longer. */
export const MAX_SHOWN_CHARACTERS = 100;

export type OriginRules = {
  /** The gateway itself speaks TLS. */
  readonly secure: boolean;
  /** Origins whose pages may connect besides the gateway's own. */
  readonly allowed: readonly string[];
};

/**
 * A browser says which page connects; that must be the gateway's own, or one that the config names. Programs
 * send no origin, and have no other site's token. Throws Refusal.
 */
export function checkOrigin(
  { headers }: Pick<IncomingMessage, "headers">,
  { secure, allowed }: OriginRules,
): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.canParse(origin)) {
    const page = new URL(origin);
    // Without TLS of its own the gateway may stand behind a proxy that has it: the page is then of https.
    const sameScheme = page.protocol === "https:" || (page.protocol === "http:" && !secure);
    if (sameScheme && page.host !== "" && page.host === host) return;
    if (allowed.some((each) => new URL(each).origin === page.origin)) return;
  }
  const shown = JSON.stringify(origin.slice(0, MAX_SHOWN_CHARACTERS));
  throw new Refusal(
    403,
    `Pages of ${shown} may not connect here: open the viewer at the gateway's own address, or add the ` +
      "origin to doors.origins in the gateway's config.",
  );
}
