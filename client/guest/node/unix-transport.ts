import { connect } from "node:net";
import type { Transport } from "../transport.ts";

/** Dials the relay's Unix socket. Rejects with a sentence when nothing answers there. */
export function connectUnix(path: string): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const refuse = (cause: Error): void => {
      reject(new Error(`No relay answers at ${path} (${cause.message}).`, { cause }));
    };
    socket.once("error", refuse);
    socket.once("connect", () => {
      socket.off("error", refuse);
      let failure: string | undefined;
      socket.on("error", (error) => {
        failure = `The connection to the relay at ${path} failed (${error.message}).`;
      });
      resolve({
        send: (bytes) => {
          if (socket.writable) socket.write(bytes);
        },
        // Plain arrays: a Buffer's slice() is no copy.
        onData: (callback) => {
          socket.on("data", ({ buffer, byteOffset, length }: Buffer) => {
            callback(new Uint8Array(buffer, byteOffset, length));
          });
        },
        onClose: (callback) => {
          socket.once("close", () => callback(failure ?? `The relay at ${path} hung up.`));
        },
        close: () => void socket.end(),
        hold: (isHeld) => void (isHeld ? socket.ref() : socket.unref()),
      });
    });
  });
}
