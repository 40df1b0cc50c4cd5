import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";

/** What differs between two configurations, by name. */
export type ConfigChanges = {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Settings that count from the next start of the gateway. */
  readonly later: readonly string[];
};

/** Count while the gateway runs: profiles, and what is in all of them unless they say else. */
const LIVE: ReadonlySet<string> = new Set(["profiles", "unwatchedFrameRate"]);

/** From `started`, with which the gateway started, and the profiles that count now, to `next`. */
export function configChanges(
  started: Config,
  profiles: Config["profiles"],
  next: Config,
): ConfigChanges {
  const names = [...next.profiles.keys()];
  return {
    added: names.filter((name) => !profiles.has(name)),
    changed: names.filter(
      (name) =>
        profiles.has(name) && !isDeepStrictEqual(profiles.get(name), next.profiles.get(name)),
    ),
    removed: [...profiles.keys()].filter((name) => !next.profiles.has(name)),
    later: settingsThatDiffer(started, next).filter((name) => !LIVE.has(name)),
  };
}

/** What the log says of it. */
export function changesSentence({ added, changed, removed, later }: ConfigChanges): string {
  const now = [
    ...told(changed, "changed"),
    ...told(added, added.length === 1 ? "is new" : "are new"),
    ...told(removed, removed.length === 1 ? "is gone" : "are gone"),
  ];
  const profiles = now.length === 0 ? "no profile changed" : `of profiles, ${now.join(", ")}`;
  const rest =
    later.length === 0
      ? ""
      : ` ${later.join(", ")} can't change while the gateway runs: restart it for that.`;
  return `The configuration was read again: ${profiles}.${rest}`;
}

function settingsThatDiffer(one: Config, other: Config): string[] {
  const values = new Map<string, unknown>(Object.entries(one));
  const others = new Map<string, unknown>(Object.entries(other));
  return [...new Set([...values.keys(), ...others.keys()])]
    .filter((name) => !isDeepStrictEqual(values.get(name), others.get(name)))
    .toSorted();
}

function told(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${names.join(" and ")} ${what}`];
}
