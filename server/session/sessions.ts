import type { Profile } from "#server/config/config.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { overPromised } from "./promised-shares.ts";
import { Session, type SessionOptions } from "./session.ts";

/** Sessions that stay while they are empty. Bounds what a script of the admin's makes the gateway hold. */
export const MAX_KEPT_SESSIONS = 128;

/** Makes a session's options; `onEmpty` is to be passed on. */
export type SessionFactory = (name: string, onEmpty: () => void) => SessionOptions;

/** The sessions that hold something: made when first asked for, forgotten when empty. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #defaultProfile: Profile;
  readonly #makeOptions: SessionFactory;
  #closing: string | undefined;

  /** `defaultProfile` is for a session that has viewers and has had no guest. */
  constructor(defaultProfile: Profile, makeOptions: SessionFactory) {
    this.#defaultProfile = defaultProfile;
    this.#makeOptions = makeOptions;
  }

  forGuest(name: string, profile: Profile): Session {
    const session = this.#get(name);
    session.profile = profile;
    return session;
  }

  forViewer(name: string): Session {
    return this.#get(name);
  }

  reports(): SessionReport[] {
    return [...this.#sessions.values()].map((session) => session.report());
  }

  /** Made ahead of its guest, and not forgotten while it is empty. Undefined: there are too many. */
  keep(name: string, profile?: Profile): Session | undefined {
    const kept = [...this.#sessions.values()].filter((session) => session.kept);
    if (kept.length >= MAX_KEPT_SESSIONS && this.find(name)?.kept !== true) return undefined;
    const session = this.#get(name);
    session.kept = true;
    if (profile !== undefined) session.assignProfile(profile);
    return session;
  }

  /** Why a session of this name can't be promised this part of the GPU; undefined: it can. */
  shareRefusal(name: string, share: GpuShare): string | undefined {
    return overPromised({ name, share }, this.#sessions.values());
  }

  find(name: string): Session | undefined {
    return this.#sessions.get(name);
  }

  async close(sentence: string): Promise<void> {
    this.#closing = sentence;
    await Promise.all([...this.#sessions.values()].map((session) => session.close(sentence)));
  }

  #get(name: string): Session {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const forget = () => {
      if (this.#sessions.get(name) === session) this.#sessions.delete(name);
    };
    const session: Session = new Session(this.#defaultProfile, this.#makeOptions(name, forget));
    this.#sessions.set(name, session);
    if (this.#closing !== undefined) void session.close(this.#closing);
    return session;
  }
}
