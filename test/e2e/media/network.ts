import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { RTX_PAYLOAD_TYPE } from "#server/media/negotiated.ts";

/** What a network does to the datagrams that it carries to a viewer. The other way is perfect. */
export type NetworkOptions = {
  /** True loses the datagram. */
  readonly loses?: (datagram: Buffer) => boolean;
  /** The bottleneck and its queue; what does not fit is lost. */
  readonly bottleneck?: { readonly bitsPerSecond: number; readonly queueMs: number };
  readonly delayMs?: number;
};

const OVERHEAD_BYTES = 28; // IP and UDP

/** Stands between a browser and a UDP port of the media thread, both on loopback. */
export class Network implements Disposable {
  readonly #front: Socket;
  readonly #backs = new Map<number, Socket>();
  readonly #serverPort: number;
  options: NetworkOptions;
  lost = 0;
  #freeAt = 0;
  #closed = false;

  private constructor(front: Socket, serverPort: number, options: NetworkOptions) {
    this.#front = front;
    this.#serverPort = serverPort;
    this.options = options;
    front.on("message", (datagram, { port, address }) => {
      this.#back(port, address).send(datagram, this.#serverPort, "127.0.0.1");
    });
  }

  static async between(serverPort: number, options: NetworkOptions): Promise<Network> {
    const front = createSocket("udp4");
    front.bind(0, "127.0.0.1");
    await once(front, "listening");
    return new Network(front, serverPort, options);
  }

  /** Where the browser finds the server. */
  get port(): number {
    return this.#front.address().port;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  /** The server sees each of the browser's ports as one of ours. */
  #back(port: number, address: string): Socket {
    const known = this.#backs.get(port);
    if (known !== undefined) return known;
    const back = createSocket("udp4");
    this.#backs.set(port, back);
    back.on("message", (datagram) => this.#carry(datagram, port, address));
    return back;
  }

  #carry(datagram: Buffer, port: number, address: string): void {
    const { loses, bottleneck, delayMs = 0 } = this.options;
    const now = performance.now();
    let arrivesAt = now + delayMs;
    if (bottleneck !== undefined) {
      const bits = (datagram.length + OVERHEAD_BYTES) * 8;
      const leavesAt = Math.max(now, this.#freeAt) + (bits * 1000) / bottleneck.bitsPerSecond;
      if (leavesAt - now > bottleneck.queueMs) {
        this.lost += 1;
        return;
      }
      this.#freeAt = leavesAt;
      arrivesAt = leavesAt + delayMs;
    }
    if (loses?.(datagram) === true) {
      this.lost += 1;
      return;
    }
    const deliver = (): void => {
      if (!this.#closed) this.#front.send(datagram, port, address);
    };
    if (arrivesAt - now < 1) deliver();
    else setTimeout(deliver, arrivesAt - now);
  }
}

/** SRTP, told from SRTCP, DTLS and STUN by its first two bytes (RFC 7983, RFC 5761). */
export function isMedia(datagram: Buffer): boolean {
  const [first = 0, second = 0] = datagram;
  return first >= 128 && first <= 191 && !(second >= 192 && second <= 223);
}

export function isRetransmission(datagram: Buffer): boolean {
  return isMedia(datagram) && (datagram.readUInt8(1) & 0x7f) === RTX_PAYLOAD_TYPE;
}
