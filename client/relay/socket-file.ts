import { chmod, mkdir, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { RelayError } from "./errors.ts";

/** Programs at once. Bounds the relay's sockets; the gateway has its own limit for a session. */
export const MAX_PROGRAMS = 256;

/**
 * Listens for this user's programs on a Unix socket with mode 0600. A socket that a dead relay left is
 * removed. The caller owns the server. Throws RelayError.
 */
export async function listenForPrograms(
  file: string,
  onProgram: (socket: Socket) => void,
): Promise<Server> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  if (await answers(file)) {
    throw new RelayError(
      `Another relay listens at ${file}: stop it, or give this one a socket of its own with --socket.`,
    );
  }
  await rm(file, { force: true });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onProgram);
  server.maxConnections = MAX_PROGRAMS;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", resolve);
      // The file appears within listen(): the mask keeps others out from its first moment.
      const mask = process.umask(0o177);
      try {
        server.listen(file);
      } finally {
        process.umask(mask);
      }
    });
    await chmod(file, 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RelayError(
      `The relay can't listen at ${file} (${reason}): give a path of at most 107 bytes in a folder of ` +
        "yours with --socket.",
      { cause },
    );
  }
  return server;
}

/** True when somebody accepts connections there. Throws RelayError when something else is there. */
async function answers(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT" || cause.code === "ECONNREFUSED") return resolve(false);
      reject(
        new RelayError(
          `${file} is in the way of the relay's socket (${cause.message}): remove it, or choose another ` +
            "path with --socket.",
          { cause },
        ),
      );
    });
  });
}
