import { request as httpRequest } from "node:http";
import path from "node:path";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { HOST_SOCKET } from "#server/http/host-socket.ts";
import { ADMIN_API_PATH } from "#shared/admin/paths.ts";
import { ProblemDetails, SessionRecording } from "#shared/admin/messages.ts";
import { printable } from "#shared/base/printable.ts";

export type RecordRequest = {
  readonly session: string;
  /** Undefined: as the session's profile says. */
  readonly on: boolean | undefined;
  /** The gateway's; absent: as `heliograph serve` finds it. */
  readonly stateFolder?: string | undefined;
};

/** A gateway that does not answer. */
const TIMEOUT_MS = 10_000;

/** The answer. Bounds what whoever listens there makes this hold. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** It was not done; the message is a sentence. */
class RecordError extends Error {
  override name = "RecordError" as const;
}

/**
 * `heliograph record`: tells the running gateway whose state folder this is, by its socket in that folder, whose owner
 * alone listens there; no token is shown. Resolves with the exit code.
 */
export async function record(request: RecordRequest): Promise<number> {
  try {
    tell(request.session, await ask(request));
    return 0;
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    process.stderr.write(`heliograph record: ${printable(error.message)}\n`);
    return 1;
  }
}

function tell(session: string, { on, folder, programs, recorded }: SessionRecording): void {
  say(
    on
      ? `Programs of ${session} that connect from now on are recorded to ${folder}.`
      : `Programs of ${session} that connect from now on are not recorded.`,
  );
  const others = programs - recorded;
  // A stream replays from its first byte only.
  if (on && others > 0) say(`${others} run already and are not: start them anew.`);
  if (!on && recorded > 0) say(`${recorded} that run are recorded to their end.`);
}

async function ask({ session, on, stateFolder }: RecordRequest): Promise<SessionRecording> {
  const folder = path.resolve(stateFolder ?? readGatewayEnvironment().stateFolder);
  const socketPath = path.join(folder, HOST_SOCKET);
  const { status, text } = await put(
    socketPath,
    `${ADMIN_API_PATH}/sessions/${encodeURIComponent(session)}/recording`,
    JSON.stringify({ on: on ?? null }),
  );
  const answer = parseJson(text);
  const problem = ProblemDetails.safeParse(answer);
  if (problem.success) throw new RecordError(problem.data.detail);
  const recording = SessionRecording.safeParse(answer);
  if (status === 200 && recording.success) return recording.data;
  throw new RecordError(
    `What answers at ${socketPath} (${status}) is no gateway of this release: restart the gateway, or name its --state-dir.`,
  );
}

type Answer = { readonly status: number; readonly text: string };

/** Throws RecordError. */
async function put(socketPath: string, at: string, body: string): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  };
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const options = { socketPath, path: at, method: "PUT", headers, signal };
      const request = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > MAX_ANSWER_BYTES) {
            request.destroy(new Error(`it answers with over ${MAX_ANSWER_BYTES} bytes`));
          }
        });
        response.once("error", reject);
        response.once("end", () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
      });
      request.once("error", reject);
      request.end(body);
    });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if ("code" in cause && (cause.code === "ENOENT" || cause.code === "ECONNREFUSED")) {
      throw new RecordError(
        `No gateway runs that has the state folder ${path.dirname(socketPath)}: start it, or name its --state-dir.`,
        { cause },
      );
    }
    const reason = signal.aborted ? `no answer for ${TIMEOUT_MS / 1000} s` : cause.message;
    throw new RecordError(`The gateway can't be asked at ${socketPath} (${reason}).`, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}
