import { codeFiles } from "./visible-files.ts";

/**
 * Options of Node for a worker: its JavaScript reads our code and nothing else, writes nothing and starts no process. It
 * bounds JavaScript only: native code, which a guest is likelier to take over, is for bubblewrap to hold.
 */
export function nodePermissions(main: string): string[] {
  return [
    "--permission",
    "--allow-addons", // Dawn and the encoders.
    "--allow-worker", // The watchdog.
    ...codeFiles(main).map((file) => `--allow-fs-read=${file}`),
    "--disable-warning=SecurityWarning", // It warns of the two above, in each worker's log.
  ];
}
