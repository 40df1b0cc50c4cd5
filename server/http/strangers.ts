import type { Socket } from "node:net";

/** Names a connection: its TCP socket or the TLS socket over it. */
export type Peer = Pick<Socket, "remoteAddress" | "remotePort">;
type Stranger = { readonly socket: Socket; readonly address: string | undefined };

export type StrangersOptions = {
  /** Strangers at once, of all addresses and of one. */
  readonly max: number;
  readonly maxPerAddress: number;
  /** What one address counts as; undefined for one that many people share. */
  readonly address: (remoteAddress: string | undefined) => string | undefined;
};

/**
 * The open connections that have shown no token yet. Where there are too many, the one that waited longest is
 * closed: who connects in earnest is done within a moment, and who holds connections open is not. So a flood
 * closes its own.
 */
export class Strangers {
  readonly #options: StrangersOptions;
  /** By peer, which is one for a TCP socket and the TLS socket over it; the oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #byAddress = new Map<string, Set<string>>();

  constructor(options: StrangersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#strangers.size;
  }

  /** The socket stays its owner's; it may be destroyed. */
  add(socket: Socket): void {
    const peer = name(socket);
    const address = this.#options.address(socket.remoteAddress);
    this.#strangers.set(peer, { socket, address });
    socket.once("close", () => {
      if (this.#strangers.get(peer)?.socket === socket) this.#forget(peer);
    });
    if (address !== undefined) {
      const peers = this.#byAddress.get(address) ?? new Set();
      this.#byAddress.set(address, peers.add(peer));
      if (peers.size > this.#options.maxPerAddress) this.#closeFirst(peers);
    }
    if (this.#strangers.size > this.#options.max) this.#closeFirst(this.#strangers.keys());
  }

  /** The peer has shown a good token. */
  welcome(peer: Peer): void {
    this.#forget(name(peer));
  }

  #closeFirst(peers: Iterable<string>): void {
    for (const peer of peers) {
      const socket = this.#strangers.get(peer)?.socket;
      this.#forget(peer);
      socket?.destroy();
      return;
    }
  }

  #forget(peer: string): void {
    const address = this.#strangers.get(peer)?.address;
    this.#strangers.delete(peer);
    if (address === undefined) return;
    const peers = this.#byAddress.get(address);
    peers?.delete(peer);
    if (peers?.size === 0) this.#byAddress.delete(address);
  }
}

function name({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
