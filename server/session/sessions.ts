import type { Profile } from "#server/config/config.ts";
import type { Profiles } from "#server/config/profiles.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { exclusionOf } from "./exclusive-use.ts";
import { overPromised } from "./promised-shares.ts";
import { Session, type SessionOptions } from "./session.ts";

/** Sessions that stay while they are empty. Bounds what a script of the admin's makes the gateway hold. */
export const MAX_KEPT_SESSIONS = 128;

/** Makes a session's options; `onEmpty` is to be passed on. */
export type SessionFactory = (
  name: string,
  onEmpty: () => void,
) => Omit<SessionOptions, "exclusion">;

/** The sessions that hold something: made when first asked for, forgotten when empty. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #profiles: Profiles;
  readonly #makeOptions: SessionFactory;
  #closing: string | undefined;

  constructor(profiles: Profiles, makeOptions: SessionFactory) {
    this.#profiles = profiles;
    this.#makeOptions = makeOptions;
  }

  /** `profile` is configured. */
  forGuest(name: string, profile: string): Session {
    const session = this.#get(name);
    session.profile = this.#profiles.get(profile);
    return session;
  }

  forViewer(name: string): Session {
    return this.#get(name);
  }

  /** Other profiles are configured: they count at once. */
  profilesChanged(): void {
    for (const session of this.#sessions.values()) session.profilesChanged(this.#profiles.all);
  }

  reports(): SessionReport[] {
    return [...this.#sessions.values()].map((session) => session.report());
  }

  /** Why this session can't be made exclusive while it and others have programs; undefined: it can. */
  exclusiveRefusal(name: string): string | undefined {
    if (this.find(name)?.isInside !== true) return undefined;
    return exclusionOf({ name, isExclusive: true, isInside: true }, this.#sessions.values());
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
    const session: Session = new Session(this.#profiles.default, {
      ...this.#makeOptions(name, forget),
      exclusion: (user) => exclusionOf(user, this.#sessions.values()),
    });
    this.#sessions.set(name, session);
    if (this.#closing !== undefined) void session.close(this.#closing);
    return session;
  }
}
