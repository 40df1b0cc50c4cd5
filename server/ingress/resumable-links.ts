import { randomBytes } from "node:crypto";
import { LINK_ID_BYTES, type ResumeRequest } from "#shared/link/control.ts";
import { Refusal } from "./refusal.ts";
import type { ResumableCarrier } from "./resumable-carrier.ts";

type Entry = { readonly session: string; readonly carrier: ResumableCarrier };

/** The links that a relay may resume, each under a secret of its own, and only with its session's token. */
export class ResumableLinks {
  readonly #links = new Map<string, Entry>();

  /** `make` gets the new link's id, and what to call when the link is over. */
  open(
    session: string,
    make: (id: string, forget: () => void) => ResumableCarrier,
  ): ResumableCarrier {
    const id = randomBytes(LINK_ID_BYTES).toString("base64url");
    const carrier = make(id, () => this.#links.delete(id));
    this.#links.set(id, { session, carrier });
    return carrier;
  }

  /** The link that a request may take over. Throws Refusal. */
  find(session: string, request: ResumeRequest): ResumableCarrier {
    const entry = this.#links.get(request.id);
    // Who guesses an id, or has that of another session, learns no more than that it is not theirs.
    if (entry === undefined || entry.session !== session) {
      throw new Refusal(
        404,
        `No connection of session ${session} waits to be resumed under this id: it was away for too long, ` +
          "its GPU worker ended, or the gateway was started anew.",
      );
    }
    entry.carrier.checkResume(request);
    return entry.carrier;
  }
}
