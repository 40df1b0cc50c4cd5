import { lstat, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";

/** Its name in the state folder. Who may write there could make an admin's token, so none is asked for. */
export const HOST_SOCKET = "gateway.sock";

/** What every system takes as a Unix socket's path. Node cuts a longer one off without a word. */
export const MAX_PATH_BYTES = 103;

/** Commands that ask at once. Bounds the gateway's sockets for a script that went wild. */
const MAX_SOCKETS = 64;

export type HostSocketOptions = {
  /** In a folder where only its owner writes. */
  readonly file: string;
  readonly serve: RequestListener;
  /** Nobody is served there, for the reason of this sentence. */
  readonly failed: (reason: string) => void;
};

/** Where the commands of this host reach their gateway: a Unix socket with mode 0600. */
export class HostSocket implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Never rejects: a gateway without it serves its guests all the same. A socket that a dead gateway left is removed. */
  static async listen({ file, serve, failed }: HostSocketOptions): Promise<HostSocket> {
    const server = createServer(serve);
    server.maxConnections = MAX_SOCKETS;
    try {
      await makeRoom(file);
      await listenAt(server, file);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      failed(
        `The gateway can't listen at ${file} (${reason}): "heliograph record" does not reach it.`,
      );
    }
    return new HostSocket(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve()); // It removes the file.
      this.#server.closeAllConnections();
    });
  }
}

async function listenAt(server: Server, file: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // The file appears within listen(): the mask keeps others out from its first moment.
    const mask = process.umask(0o177);
    try {
      server.listen(file, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });
}

/** Removes what a dead gateway left. Rejects where there can be no socket. */
async function makeRoom(file: string): Promise<void> {
  const bytes = Buffer.byteLength(file);
  if (bytes > MAX_PATH_BYTES) {
    throw new Error(`a socket's path has at most ${MAX_PATH_BYTES} bytes, and this has ${bytes}`);
  }
  const there = await lstat(file).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error("what is there is no socket");
  if (await answers(file)) throw new Error("another gateway of this state folder listens there");
  await rm(file);
}

/** True where somebody accepts connections there. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT" || cause.code === "ECONNREFUSED") resolve(false);
      else reject(cause);
    });
  });
}
