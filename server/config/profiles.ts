import { DEFAULT_PROFILE, type Profile } from "./config.ts";

/** The profiles of the configuration as it was read last. */
export class Profiles {
  #all: ReadonlyMap<string, Profile>;

  constructor(all: ReadonlyMap<string, Profile>) {
    this.#all = all;
  }

  get all(): ReadonlyMap<string, Profile> {
    return this.#all;
  }

  /** Of a session that has viewers and has had no guest. */
  get default(): Profile {
    return this.get(DEFAULT_PROFILE);
  }

  /** Throws where it is not configured: whoever takes a name from outside asks has() first. */
  get(name: string): Profile {
    const profile = this.#all.get(name);
    if (profile === undefined) throw new Error(`Profile ${name} is not configured.`);
    return profile;
  }

  has(name: string): boolean {
    return this.#all.has(name);
  }

  replace(all: ReadonlyMap<string, Profile>): void {
    this.#all = all;
  }
}
