import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { findConfinement, type WantedConfinement } from "#server/confine/confinement.ts";
import { GpuWorker } from "#server/session/gpu-worker.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import { writeHello } from "#shared/wire/handshake.ts";
import { Writer } from "#shared/wire/writer.ts";
import { WireGuest } from "#test/support/wire-guest.ts";

/** A worker process as the gateway starts it. */
export class StartedWorker implements AsyncDisposable {
  readonly worker: GpuWorker;
  readonly messages: readonly ToGateway[];
  /** Everything that the worker printed. */
  readonly output: readonly string[];
  readonly ended: Promise<string>;
  readonly #parts: Parts;

  private constructor(worker: GpuWorker, parts: Parts) {
    this.worker = worker;
    this.messages = parts.messages;
    this.output = parts.output;
    this.ended = parts.ended.promise;
    this.#parts = parts;
  }

  static async start(confinement: WantedConfinement = "auto"): Promise<StartedWorker> {
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-worker-"));
    // The media thread's end: it listens and takes whatever comes.
    const media = createServer((socket) => socket.resume().on("error", () => {}));
    media.listen(path.join(folder, "media.sock"));
    await once(media, "listening");
    const parts = new Parts(folder, media);
    const inherited = Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const { command } = await findConfinement(confinement, process.env["PATH"] ?? "");
    const socketPath = path.join(folder, "worker.sock");
    const mediaSocketPath = path.join(folder, "media.sock");
    const worker = await GpuWorker.start(
      {
        command: command({
          main: path.join(import.meta.dirname, "../../../server/worker/main.ts"),
          environment: Object.fromEntries(inherited),
          usesDevices: false,
          sockets: [socketPath, mediaSocketPath],
          secrets: [],
        }),
        socketPath,
        mediaSocketPath,
        mediaNonce: "07".repeat(32),
      },
      {
        message: (message) => {
          // Nobody else wants the GPU.
          if (message.type === "gpuWanted")
            worker.send({ type: "lease", lease: 1, isContended: false });
          parts.take(message);
        },
        ended: (reason) => parts.ended.resolve(reason),
        output: (line) => parts.output.push(line),
      },
      new AbortController().signal,
    );
    return new StartedWorker(worker, parts);
  }

  /** The first message that fits, come or to come. */
  message(fits: (message: ToGateway) => boolean): Promise<ToGateway> {
    return this.#parts.message(fits);
  }

  async connect(connection: number): Promise<SocketGuest> {
    return new SocketGuest(await this.worker.open(connection));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.stop("The test is over.");
    this.#parts.media.close();
    await rm(this.#parts.folder, { recursive: true, force: true });
  }
}

class Parts {
  readonly folder: string;
  readonly media: Server;
  readonly messages: ToGateway[] = [];
  readonly output: string[] = [];
  readonly ended = Promise.withResolvers<string>();
  readonly #waiting = new Map<(message: ToGateway) => boolean, (message: ToGateway) => void>();

  constructor(folder: string, media: Server) {
    this.folder = folder;
    this.media = media;
  }

  take(message: ToGateway): void {
    this.messages.push(message);
    for (const [fits, resolve] of this.#waiting) {
      if (!fits(message)) continue;
      this.#waiting.delete(fits);
      resolve(message);
    }
  }

  message(fits: (message: ToGateway) => boolean): Promise<ToGateway> {
    const come = this.messages.find(fits);
    if (come !== undefined) return Promise.resolve(come);
    return new Promise((resolve) => this.#waiting.set(fits, resolve));
  }
}

/** A guest at the far end of a worker's data socket. */
export class SocketGuest extends WireGuest {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on("data", (bytes) => this.receive(bytes));
  }

  hello(): void {
    const writer = new Writer();
    writeHello(writer, "a test");
    this.socket.write(frame(UpFrame.hello, writer.take()));
  }

  async send(): Promise<void> {
    this.socket.write(frame(UpFrame.commands, this.writer.take()));
  }
}
