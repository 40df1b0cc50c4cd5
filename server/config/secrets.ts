import type { Config } from "./config.ts";

/** Files and folders of the gateway that no worker may read, wherever they lie. */
export function secretsOf({ stateFolder, recordings, tls, configFile }: Config): readonly string[] {
  return [
    stateFolder,
    recordings.folder,
    ...(tls === undefined ? [] : [tls.key]),
    ...(configFile === undefined ? [] : [configFile]), // It may have a TURN server's credential.
  ];
}
