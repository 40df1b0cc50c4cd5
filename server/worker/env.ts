import { NONCE_BYTES } from "./dial.ts";

/** What the gateway tells a worker at its start, in environment variables. */
export type WorkerEnvironment = {
  /** Unix socket of the gateway for this worker, and what opens it. */
  readonly workerSocket: string;
  readonly workerNonce: Uint8Array;
  /** Unix socket of the session's media thread, and what opens it. */
  readonly mediaSocket: string;
  readonly mediaNonce: Uint8Array;
  /** Flags for Dawn's `create`, e.g. `backend=null`. */
  readonly dawnFlags: readonly string[];
};

/** Reads the environment of a worker process. Throws a sentence that names the variable at fault. */
export function readWorkerEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
): WorkerEnvironment {
  return {
    workerSocket: text(environment, "HELIOGRAPH_WORKER_SOCKET"),
    workerNonce: nonce(environment, "HELIOGRAPH_WORKER_NONCE"),
    mediaSocket: text(environment, "HELIOGRAPH_MEDIA_SOCKET"),
    mediaNonce: nonce(environment, "HELIOGRAPH_MEDIA_NONCE"),
    dawnFlags: (environment["HELIOGRAPH_DAWN_FLAGS"] ?? "")
      .split(",")
      .filter((flag) => flag !== ""),
  };
}

function text(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: a worker is started by the gateway only.`);
  }
  return value;
}

function nonce(environment: NodeJS.ProcessEnv, name: string): Uint8Array {
  const bytes = Buffer.from(text(environment, name), "hex");
  if (bytes.length !== NONCE_BYTES) {
    throw new Error(`${name} holds ${bytes.length} bytes in hex, not ${NONCE_BYTES}.`);
  }
  return bytes;
}
