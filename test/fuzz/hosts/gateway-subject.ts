import { FIRST_GATEWAY_FRAME, FRAME_HEADER_BYTES, UpFrame } from "#shared/wire/frames.ts";
import { writeQueueOnSubmittedWorkDone } from "#shared/wire/gen/write-commands.ts";
import type { Claims } from "#server/auth/claims.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { WireGuest } from "#test/support/wire-guest.ts";
import { within } from "../deadline.ts";
import { HELLO } from "../samples.ts";
import type { Played, Subject } from "../target.ts";
import { HostProcess } from "./host-process.ts";

/** A case is over by then, whatever the gateway answered. */
const CASE_MS = 20_000;

/** What the others are made to wait: a frame's gap that an operator would notice. */
const MOST_GAP_MS = 1000;

/** A process whose sockets closed has told why by then. */
const ENDED_MS = 300;

/** What an admin and an orchestrator see, whatever one session says of itself. */
const WATCHED = ["/healthz", "/readyz", "/metrics", "/api/admin/sessions"] as const;

/** Between two looks at whether the others are served. */
const LOOK_EVERY_MS = 500;

/** Real ones on Dawn's null backend or on the software GPU, or such as do what their guest says. */
export type WorkerKind = "real" | "software" | "scripted";

const LIFETIME_SECONDS = 3600;

/** Where the gateway is, and good tokens for it. */
export class GatewayPlace {
  readonly url: string;
  readonly #tokens: Tokens;
  readonly #issued = new Map<string, Promise<string>>();

  private constructor(url: string, tokens: Tokens) {
    this.url = url;
    this.#tokens = tokens;
  }

  static async of({ place }: HostProcess): Promise<GatewayPlace> {
    return new GatewayPlace(place["url"] ?? "", await Tokens.open(place["stateFolder"] ?? ""));
  }

  guest(session: string): Promise<string> {
    return this.#token(`guest ${session}`, { role: "guest", session, profile: "default" });
  }

  operator(session: string): Promise<string> {
    return this.#token(`operator ${session}`, { role: "control", session });
  }

  /** Of some: each makes 200 requests in ten seconds. */
  admin(which: number): Promise<string> {
    return this.#token(`admin ${which % ADMINS}`, { role: "admin", session: "*" });
  }

  #token(key: string, claims: Claims): Promise<string> {
    let token = this.#issued.get(key);
    if (token === undefined) {
      token = this.#tokens.issue(claims, LIFETIME_SECONDS);
      this.#issued.set(key, token);
    }
    return token;
  }
}

const ADMINS = 50;

/** Plays the messages to the gateway; resolves with how many were sent. Rejects where others are not served. */
export type Attack = (place: GatewayPlace, messages: readonly Buffer[]) => Promise<number>;

/** A gateway under attack, with another session on it that must be served all the while. */
export class GatewaySubject implements Subject {
  readonly #host: HostProcess;
  readonly #place: GatewayPlace;
  readonly #witness: Witness;
  readonly #worker: WorkerKind;
  readonly #attack: Attack;
  /** What the attack holds open between cases. */
  readonly #held: AsyncDisposable | undefined;
  #lookedAt = 0;
  #looks = 0;

  private constructor(
    host: HostProcess,
    place: GatewayPlace,
    witness: Witness,
    worker: WorkerKind,
    attack: Attack,
    held: AsyncDisposable | undefined,
  ) {
    this.#host = host;
    this.#place = place;
    this.#witness = witness;
    this.#worker = worker;
    this.#attack = attack;
    this.#held = held;
  }

  /** Owns what is `held`. */
  static async open(
    worker: WorkerKind,
    attack: Attack,
    held?: AsyncDisposable,
  ): Promise<GatewaySubject> {
    const host = await HostProcess.start("./gateway.ts", [worker]);
    try {
      const place = await GatewayPlace.of(host);
      const token = await place.guest("witness");
      const guest = await ScriptedGuest.open({ url: place.url, token });
      guest.send(UpFrame.hello, HELLO);
      const witness = await Witness.of(guest, worker);
      return new GatewaySubject(host, place, witness, worker, attack, held);
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  async play(messages: readonly Buffer[]): Promise<Played> {
    const failed = this.#host.failed.then(({ sentence }) => sentence);
    const attacked = within(
      CASE_MS,
      this.#attack(this.#place, messages).catch((error: unknown) => String(error)),
    );
    const taken = await Promise.race([attacked, failed]);
    if (typeof taken === "string") {
      // Where the gateway ended, that is the reason.
      const cause = await within(ENDED_MS, failed);
      return { taken: messages.length, fault: cause ?? taken };
    }
    if (taken === undefined) {
      const fault = `The gateway has not answered for ${CASE_MS / 1000} s.`;
      return { taken: messages.length, fault };
    }
    const ended = this.#host.workersEnded.splice(0);
    if (this.#worker !== "scripted" && ended[0] !== undefined) {
      // A signal is a driver's doing, or the gateway's. An exit is an exception of ours.
      if (ended[0].includes("exit code")) return { taken, fault: ended[0] };
      return { taken, workerDeath: ended[0] };
    }
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) return { taken };
    this.#lookedAt = performance.now();
    const fault = await Promise.race([this.#look(), failed]);
    return fault === undefined ? { taken } : { taken, fault };
  }

  memory(): Promise<number> {
    return this.#host.memory();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.[Symbol.asyncDispose]();
    await this.#host[Symbol.asyncDispose]();
  }

  async #get(path: string): Promise<void> {
    const authorization = `Bearer ${await this.#place.admin(this.#looks++)}`;
    const response = await fetch(this.#place.url + path, { headers: { authorization } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text}`);
  }

  /** Whether witness, health check and admin have their answers in time. */
  async #look(): Promise<string | undefined> {
    // One that is late is asked again: the fuzzer shares the processor.
    for (let left = 2; ; left--) {
      const start = performance.now();
      const served = Promise.all([this.#witness.isServed(), ...WATCHED.map((at) => this.#get(at))]);
      const answers = await within(
        CASE_MS,
        served.catch((error: unknown) => String(error)),
      );
      const took = performance.now() - start;
      if (typeof answers === "string") return `The other session is not served: ${answers}`;
      if (took <= MOST_GAP_MS) return undefined;
      if (left === 0) return `The other session waited ${Math.round(took)} ms for its answer.`;
    }
  }
}

/** A program of another session, which asks its worker now and then. */
class Witness extends WireGuest {
  readonly #guest: ScriptedGuest;
  readonly #kind: WorkerKind;

  private constructor(guest: ScriptedGuest, kind: WorkerKind) {
    super();
    this.#guest = guest;
    this.#kind = kind;
    guest.ws.on("message", (bytes: Buffer) => {
      // A scripted worker's replies are no replies of the wire, and the gateway's own frames are for a library.
      const isWorkers = bytes[FRAME_HEADER_BYTES - 1]! < FIRST_GATEWAY_FRAME;
      if (kind !== "scripted" && isWorkers) this.receive(bytes);
    });
  }

  static async of(guest: ScriptedGuest, kind: WorkerKind): Promise<Witness> {
    const witness = new Witness(guest, kind);
    if (kind !== "scripted") await witness.device();
    return witness;
  }

  /** Rejects when its connection is gone, or its worker has lost its device. */
  async isServed(): Promise<void> {
    const gone = this.#guest.closed.then(({ reason }) => {
      throw new Error(`its connection ended: ${reason}`);
    });
    await Promise.race([this.#kind === "scripted" ? this.#reply() : this.#work(), gone]);
  }

  async #work(): Promise<void> {
    const { kind } = await this.ask((request) =>
      writeQueueOnSubmittedWorkDone(this.writer, request),
    );
    this.replies.length = 0;
    if (kind !== "resolved") throw new Error(`its worker answers "${kind}"`);
  }

  async #reply(): Promise<void> {
    this.#guest.tell({ do: "tellBounds" });
    await this.#guest.reply();
  }

  async send(): Promise<void> {
    this.#guest.send(UpFrame.commands, this.writer.take());
  }
}
