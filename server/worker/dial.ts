import { connect, type Socket } from "node:net";
import { once } from "node:events";

export const NONCE_BYTES = 32;

/** The connection number by which a worker's control socket introduces itself. */
export const CONTROL_CONNECTION = 0;

/**
 * Connects to the gateway's socket for this worker and introduces itself: the nonce, then the
 * connection's number as u32le. The caller owns the socket.
 */
export async function dial(path: string, nonce: Uint8Array, connection: number): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  const greeting = Buffer.alloc(NONCE_BYTES + 4);
  greeting.set(nonce);
  greeting.writeUInt32LE(connection, NONCE_BYTES);
  socket.write(greeting);
  return socket;
}
