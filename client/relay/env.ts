import { homedir } from "node:os";
import path from "node:path";

// The only file of the relay that reads the environment.

export type RelayEnvironment = {
  /** Where the relay listens for programs unless it is told otherwise. */
  readonly socketPath: string;
  /** The guest's token, where no file is given. */
  readonly token: string | undefined;
};

export function readRelayEnvironment(env: NodeJS.ProcessEnv = process.env): RelayEnvironment {
  return { socketPath: relaySocketPath(env), token: env["HELIOGRAPH_TOKEN"] };
}

/** The relay's Unix socket: HELIOGRAPH_RELAY, else in XDG_RUNTIME_DIR, else under the home folder. */
export function relaySocketPath(env: NodeJS.ProcessEnv = process.env): string {
  const named = env["HELIOGRAPH_RELAY"];
  if (named !== undefined && named !== "") return path.resolve(named);
  const runtime = env["XDG_RUNTIME_DIR"];
  const folder =
    runtime === undefined || runtime === ""
      ? path.join(homedir(), ".heliograph")
      : path.join(runtime, "heliograph");
  return path.join(folder, "relay.sock");
}
