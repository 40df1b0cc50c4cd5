import path from "node:path";
import { type Profile, resolveConfig } from "#server/config/config.ts";

const FOLDERS = { stateFolder: "/", cacheFolder: "/", runtimeFolder: "/" };

/** Profiles as a configuration with these gives them, the default one among them. */
export function profilesOf(profiles: Readonly<Record<string, object>>): Map<string, Profile> {
  const source = { file: path.join("/", "test.yaml"), text: JSON.stringify({ profiles }) };
  return new Map(resolveConfig({ configFile: undefined, ...FOLDERS }, {}, source).profiles);
}
