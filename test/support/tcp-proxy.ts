import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a TCP port of this machine that can be long, and be cut, stalled and restored. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #state: "open" | "cut" | "stalled" = "open";
  /** Bytes towards the target after which the way is cut by itself, once. */
  cutAfter = Infinity;
  /** Milliseconds that each byte is under way, either way; there is room on the way for as many as come. */
  readonly #delay: number;

  private constructor(server: Server, port: number, target: number, delay: number) {
    this.#server = server;
    this.#delay = delay;
    this.port = port;
    server.on("connection", (socket: Socket) => {
      if (this.#state === "cut") socket.resetAndDestroy();
      else this.#join(socket, connect(target, "127.0.0.1"));
    });
  }

  static async start(target: number, delay = 0): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("No port.");
    return new TcpProxy(server, address.port, target, delay);
  }

  /** Connections are reset, and new ones too. */
  cut(): void {
    this.#state = "cut";
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Nothing passes any more, and nobody is told. */
  stall(): void {
    this.#state = "stalled";
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  restore(): void {
    this.#state = "open";
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    near.on("data", (chunk) => {
      this.#later(() => {
        const passed = chunk.subarray(0, this.cutAfter);
        this.cutAfter -= passed.length;
        pass(near, far, passed);
        if (this.cutAfter > 0) return;
        this.cutAfter = Infinity;
        // What passed is to arrive: a reset would take it along.
        near.resetAndDestroy();
        far.end(() => far.destroy());
      });
    });
    far.on("data", (chunk) => this.#later(() => pass(far, near, chunk)));
    for (const socket of pair) {
      socket.setNoDelay(true); // Both ends set it, and the way between adds nothing but its delay.
      if (this.#state === "stalled") socket.pause();
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#pairs.delete(pair);
        this.#later(() => {
          for (const each of pair) each.destroy();
        });
      });
      socket.on("drain", () => {
        const other = socket === near ? far : near;
        if (this.#state !== "stalled") other.resume();
      });
    }
  }

  /** In order: timers of one delay fire as they were set. */
  #later(action: () => void): void {
    if (this.#delay === 0) action();
    else setTimeout(action, this.#delay);
  }
}

function pass(from: Socket, to: Socket, chunk: Buffer): void {
  if (to.writable && !to.write(chunk)) from.pause();
}
