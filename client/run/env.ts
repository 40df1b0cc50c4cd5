import path from "node:path";
import { relaySocketPath } from "#client/relay/env.ts";
import type { PageSize } from "./layout.ts";

// The only file of the runner that reads the environment.

/** The program's window before the operator's own size is known. */
const DEFAULT_PAGE_SIZE: PageSize = { width: 1280, height: 720, devicePixelRatio: 1 };

/** What `heliograph run` tells the program's process. */
export type RunEnvironment = {
  /** The relay's Unix socket. */
  readonly socket: string;
  readonly size: PageSize;
  /** Where the program says why its connection was lost; absent where nobody asks. */
  readonly lostFile?: string | undefined;
};

export function readRunEnvironment(env: NodeJS.ProcessEnv = process.env): RunEnvironment {
  return {
    socket: relaySocketPath(env),
    size: parseSize(env["HELIOGRAPH_SIZE"]) ?? DEFAULT_PAGE_SIZE,
    lostFile: env["HELIOGRAPH_LOST_FILE"],
  };
}

/** "1280x720" in CSS pixels; absent when it is not of that form. */
export function parseSize(text: string | undefined): PageSize | undefined {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text ?? "");
  if (match === null) return undefined;
  return { width: Number(match[1]), height: Number(match[2]), devicePixelRatio: 1 };
}

/** The environment for a program that runs as a guest; `preload` is a module's URL. */
export function guestEnvironment(
  { socket, size, lostFile }: RunEnvironment,
  preload: URL,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  return {
    ...env,
    HELIOGRAPH_RELAY: socket,
    HELIOGRAPH_SIZE: `${size.width}x${size.height}`,
    // Undefined leaves it out: a runner within a runner is not the outer one's program.
    HELIOGRAPH_LOST_FILE: lostFile,
    // A file URL has no spaces to quote.
    NODE_OPTIONS: joined([`--import=${preload.href}`, env["NODE_OPTIONS"]], " "),
    // "node", also in scripts that the program starts, is the Node that runs this.
    PATH: joined([path.dirname(process.execPath), env["PATH"]], path.delimiter),
  };
}

function joined(parts: readonly (string | undefined)[], separator: string): string {
  return parts.filter((part) => part !== undefined && part !== "").join(separator);
}
