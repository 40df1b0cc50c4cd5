import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { ScreenLink, SessionHistory } from "#shared/admin/messages.ts";
import { ADMIN_API_PATH } from "#shared/admin/paths.ts";

/** The gateway did not do what was asked; the message is a sentence for the admin. */
export class ApiError extends Error {
  override name = "ApiError" as const;
}

/** The admin API, for one token. All throw ApiError. */
export class AdminApi {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  async keep(session: string): Promise<void> {
    await this.#ask("PUT", session, "", {});
  }

  async remove(session: string): Promise<void> {
    await this.#ask("DELETE", session, "");
  }

  /** Undefined: that of the guest's token. */
  async assignProfile(session: string, profile: string | undefined): Promise<void> {
    await this.#ask("PUT", session, "/profile", { profile: profile ?? null });
  }

  /** Undefined: that of the session's profile. */
  async assignShare(session: string, share: GpuShare | undefined): Promise<void> {
    await this.#ask("PUT", session, "/share", { share: share ?? null });
  }

  async act(session: string, act: "pause" | "resume" | "release"): Promise<void> {
    await this.#ask("POST", session, `/${act}`);
  }

  async evict(session: string, reason: string | undefined): Promise<void> {
    await this.#ask("POST", session, "/evict", reason === undefined ? {} : { reason });
  }

  async quarantine(session: string, reason: string): Promise<void> {
    await this.#ask("POST", session, "/quarantine", { reason });
  }

  async history(session: string): Promise<SessionHistory> {
    const response = await this.#ask("GET", session, "/history");
    const history: SessionHistory = await response.json();
    return history;
  }

  /** An address of the viewer, with a token that may only view. */
  async screen(session: string): Promise<string> {
    const response = await this.#ask("POST", session, "/screen");
    const { link }: ScreenLink = await response.json();
    return link;
  }

  async #ask(method: string, session: string, what: string, body?: object): Promise<Response> {
    const address = `${ADMIN_API_PATH}/sessions/${encodeURIComponent(session)}${what}`;
    let response: Response;
    try {
      response = await fetch(address, {
        method,
        headers: {
          Authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      throw new ApiError("The gateway does not answer.", { cause });
    }
    if (!response.ok) throw new ApiError(await readDetail(response));
    return response;
  }
}

async function readDetail(response: Response): Promise<string> {
  const unknown = `The gateway answered ${response.status}.`;
  try {
    const problem: unknown = await response.json();
    const isProblem = typeof problem === "object" && problem !== null && "detail" in problem;
    return isProblem ? String(problem.detail) : unknown;
  } catch {
    return unknown;
  }
}
