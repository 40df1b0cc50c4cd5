import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { RESUMABLE_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { DownFrame, frame } from "#shared/wire/frames.ts";
import { quiet, within } from "../deadline.ts";
import { HostProcess } from "../hosts/host-process.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { FRAMES, LINK_TEXTS, WELCOME } from "../samples.ts";
import type { Played, Subject, Target } from "../target.ts";
import { webSocketFrame } from "../web-socket.ts";

const MIB = 1024 * 1024;

/** RFC 6455, 4.2.2. */
const HANDSHAKE = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const FROM_GATEWAY = 0;
const FROM_PROGRAM = 1;
const GATEWAY_BREAKS = 2;

/** A program that was just started has its way to the gateway by then. */
const SERVED_MS = 5000;
const QUIET_MS = 20;

/** A relay between a program and a gateway, of which both say what they like. */
export async function relay(): Promise<Target> {
  return {
    name: "relay",
    what: "bytes to a relay, of a program on its Unix socket and of a gateway",
    share: 20_000,
    maxGrowth: 24 * MIB,
    open: () => RelaySubject.open(),
    generate: (random) => {
      const name = `link ${"A".repeat(43)} ${random.pick([0, 1000, 30_000])}`;
      const first = serverFrame(random, TEXT, Buffer.from(name));
      const messages: Buffer[] = [Buffer.concat([Buffer.of(FROM_GATEWAY), first])];
      for (let left = random.below(60); left > 0; left--) messages.push(message(random));
      return messages;
    },
  };
}

const TEXT = 1;
const BINARY = 2;

function message(random: Random): Buffer {
  if (random.chance(0.02)) return Buffer.of(GATEWAY_BREAKS);
  if (random.chance(0.3)) {
    const bytes = random.chance(0.5) ? FRAMES : random.bytes(random.below(2000));
    return Buffer.concat([Buffer.of(FROM_PROGRAM), bytes]);
  }
  const isText = random.chance(0.3);
  const down = frame(random.pick([...Object.values(DownFrame), 99]), WELCOME);
  const payload: Buffer = isText ? Buffer.from(random.pick(LINK_TEXTS)) : Buffer.from(down);
  const opcode = random.chance(0.95) ? (isText ? TEXT : BINARY) : random.below(16);
  const bytes = serverFrame(
    random,
    opcode,
    random.chance(0.2) ? mutateBytes(random, payload) : payload,
  );
  return Buffer.concat([
    Buffer.of(FROM_GATEWAY),
    random.chance(0.05) ? mutateBytes(random, bytes) : bytes,
  ]);
}

function serverFrame(random: Random, opcode: number, payload: Buffer): Buffer {
  const mask = random.chance(0.01) ? random.bytes(4) : undefined;
  return webSocketFrame(opcode, payload, { mask, isFinal: random.chance(0.97) });
}

class RelaySubject implements Subject {
  readonly #folder: string;
  readonly #gateway: FalseGateway;
  readonly #host: HostProcess;

  private constructor(folder: string, gateway: FalseGateway, host: HostProcess) {
    this.#folder = folder;
    this.#gateway = gateway;
    this.#host = host;
  }

  static async open(): Promise<RelaySubject> {
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-fuzz-"));
    const gateway = await FalseGateway.listen();
    const socket = path.join(folder, "relay.sock");
    const host = await HostProcess.start("./relay.ts", [gateway.url, socket]);
    return new RelaySubject(folder, gateway, host);
  }

  async play(messages: readonly Buffer[]): Promise<Played> {
    const program = connect(this.#host.place["socketPath"] ?? "");
    program.on("error", () => program.destroy());
    program.resume();
    const met = within(SERVED_MS, this.#gateway.met());
    const way = await Promise.race([met, this.#host.failed]);
    if (way === undefined) {
      return { taken: 0, fault: `A program has no way to its gateway after ${SERVED_MS} ms.` };
    }
    let taken = 0;
    for (const each of messages) {
      taken++;
      const bytes = each.subarray(1);
      if (each[0] === FROM_PROGRAM) program.write(bytes);
      else if (each[0] === GATEWAY_BREAKS) this.#gateway.break();
      else this.#gateway.write(bytes);
      if (program.destroyed) break;
    }
    await quiet(QUIET_MS, [once(program, "close")]);
    program.destroy();
    this.#gateway.break();
    const failed = await within(0, this.#host.failed);
    return failed === undefined ? { taken } : { taken, fault: failed.sentence };
  }

  memory(): Promise<number> {
    return this.#host.memory();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
    this.#gateway.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What answers at the gateway's address: it upgrades whoever comes, and the newest is who hears. */
class FalseGateway {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #newest: Duplex | undefined;
  #wake: () => void = () => {};

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("upgrade", (request, socket: Duplex) => {
      const key = String(request.headers["sec-websocket-key"]);
      socket.on("error", () => socket.destroy());
      socket.resume();
      // One that resumes is told what a gateway tells, now and then what can't be.
      socket.write(
        [
          "HTTP/1.1 101 Switching Protocols",
          "Upgrade: websocket",
          "Connection: Upgrade",
          `Sec-WebSocket-Accept: ${createHash("sha1")
            .update(key + HANDSHAKE)
            .digest("base64")}`,
          `Sec-WebSocket-Protocol: ${RESUMABLE_SUBPROTOCOL}`,
          "",
          "",
        ].join("\r\n"),
      );
      this.#newest = socket;
      this.#wake();
    });
  }

  static async listen(): Promise<FalseGateway> {
    const server = createServer((_request, response) => response.writeHead(204).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    return new FalseGateway(server, `http://127.0.0.1:${port}`);
  }

  /** Resolves when the relay has come for a program. */
  async met(): Promise<true> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return true;
  }

  write(bytes: Buffer): void {
    if (this.#newest?.writable === true) this.#newest.write(bytes);
  }

  /** Without a close frame: the relay comes back, where it was told how. */
  break(): void {
    this.#newest?.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
