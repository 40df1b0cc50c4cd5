import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Claims } from "#server/auth/claims.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { viewerLink } from "#server/main/issue-token.ts";
import { SessionReport } from "#shared/admin/session-report.ts";
import { commandLine, isBubblewrap, processTree } from "./processes.ts";
import { TcpProxy } from "./tcp-proxy.ts";

// The whole of Heliograph as its users run it: each command in a process of its own, on ports and in
// folders of its own.

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));
export const SAMPLES = fileURLToPath(new URL("../../public/samples", import.meta.url));

const TOKEN_LIFETIME_SECONDS = 3600;

/** A command that runs until it is ended. */
export class Command implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What it printed, a line at a time. */
  readonly lines: string[] = [];
  readonly ended: Promise<string>;
  #waiting: (() => void)[] = [];

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.process = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env, detached: true });
    this.pid = this.process.pid ?? 0;
    this.ended = once(this.process, "exit").then(([code, signal]) => String(signal ?? code));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        this.lines.push(line);
        for (const wake of this.#waiting.splice(0)) wake();
      });
    }
    this.process.once("exit", () => {
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Resolves with the first match in what it printed or prints; rejects when it ends without. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (let at = 0; ;) {
      for (; at < this.lines.length; at++) {
        const match = pattern.exec(this.lines[at]!);
        if (match !== null) return match;
      }
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`It ended without printing ${pattern}:\n${this.lines.join("\n")}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves once it has printed more than so many lines; rejects when it ends before. */
  async moreLinesThan(count: number): Promise<void> {
    while (this.lines.length <= count) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`It ended:\n${this.lines.join("\n")}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ends it and all that it started, at once. Idempotent. */
  async kill(): Promise<void> {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // The group is empty already.
    }
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

export type StackOptions = {
  /** The gateway's config; it listens on a free port unless told otherwise. */
  readonly config?: object;
  /** A program that serves in place of `heliograph serve`, with the same options. */
  readonly gateway?: string;
  /** Puts a proxy between relays and gateway. */
  readonly proxied?: boolean;
  /** Milliseconds that bytes take through the proxy, each way. */
  readonly delay?: number;
};

export type RunOptions = {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/** One more VM beside the stack's own. */
export type Vm = {
  readonly session: string;
  readonly relay: Command;
  /** What its relay shows the gateway. */
  readonly token: string;
  /** The relay's. */
  readonly socket: string;
  run(program: string, options?: RunOptions): Command;
  viewerLink(role?: "view" | "control"): Promise<string>;
};

/** A gateway and a relay that is connected to it by a guest token of session "vm". */
export class Stack implements AsyncDisposable {
  gateway: Command;
  relay: Command;
  readonly url: string;
  readonly folder: string;
  readonly socket: string;
  /** Between relays and gateway, where the stack was started with one. */
  readonly proxy: TcpProxy | undefined;
  readonly #tokens: Tokens;
  readonly #gatewayArgs: readonly string[];
  readonly #programs: Command[] = [];
  #adminToken: string | undefined;

  private constructor(parts: {
    folder: string;
    url: string;
    gateway: Command;
    relay: Command;
    tokens: Tokens;
    proxy: TcpProxy | undefined;
    gatewayArgs: readonly string[];
  }) {
    this.folder = parts.folder;
    this.url = parts.url;
    this.gateway = parts.gateway;
    this.relay = parts.relay;
    this.socket = path.join(parts.folder, "relay.sock");
    this.#tokens = parts.tokens;
    this.proxy = parts.proxy;
    this.#gatewayArgs = parts.gatewayArgs;
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const { config = {}, gateway: program, proxied = false, delay = 0 } = options;
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-stack-"));
    const configFile = path.join(folder, "config.yaml");
    await writeFile(configFile, JSON.stringify(config));
    const gatewayArgs = [
      ...(program === undefined ? [HELIOGRAPH, "serve"] : [program]),
      `--config=${configFile}`,
      `--state-dir=${folder}`,
    ];
    const gateway = new Command(process.execPath, [...gatewayArgs, "--port=0"]);
    const [, url] = await gateway.line(/^ready (\S+)$/);
    const tokens = await Tokens.open(folder);
    const guest: Claims = { role: "guest", session: "vm", profile: "default" };
    const tokenFile = path.join(folder, "guest.token");
    await writeFile(tokenFile, await tokens.issue(guest, TOKEN_LIFETIME_SECONDS), { mode: 0o600 });
    const { port } = new URL(url!);
    const proxy = proxied ? await TcpProxy.start(Number(port), delay) : undefined;
    const relay = startRelay(relayTarget(url!, proxy), folder);
    await relay.line(/^ready /);
    return new Stack({ folder, url: url!, gateway, relay, tokens, proxy, gatewayArgs });
  }

  /** Kills the gateway with SIGKILL, and starts another at the same address; resolves when it is ready. */
  async restartGateway(): Promise<void> {
    await this.gateway.kill();
    const { port } = new URL(this.url);
    this.gateway = new Command(process.execPath, [...this.#gatewayArgs, `--port=${port}`]);
    await this.gateway.line(/^ready /);
  }

  /** Another VM: a session of its own, with a relay of its own. Ends with the stack. */
  async addVm(session: string, profile = "default"): Promise<Vm> {
    const folder = await mkdtemp(path.join(this.folder, `${session}-`));
    const claims: Claims = { role: "guest", session, profile };
    const token = await this.#tokens.issue(claims, TOKEN_LIFETIME_SECONDS);
    await writeFile(path.join(folder, "guest.token"), token, { mode: 0o600 });
    const relay = startRelay(relayTarget(this.url, this.proxy), folder);
    this.#programs.push(relay);
    await relay.line(/^ready /);
    const socket = path.join(folder, "relay.sock");
    return {
      session,
      relay,
      token,
      socket,
      run: (program, options = {}) => this.run(program, { ...options, socket }),
      viewerLink: (role) => this.viewerLink(role, session),
    };
  }

  async restartRelay(): Promise<void> {
    await this.relay.kill();
    this.relay = startRelay(relayTarget(this.url, this.proxy), this.folder);
    await this.relay.line(/^ready /);
  }

  /** All that run() started. */
  get programs(): readonly Command[] {
    return this.#programs;
  }

  /** What an operator opens. */
  async viewerLink(role: "view" | "control" = "control", session = "vm"): Promise<string> {
    const claims: Claims = { role, session };
    return viewerLink(this.url, await this.#tokens.issue(claims, TOKEN_LIFETIME_SECONDS));
  }

  /** Runs one of public/samples, or another program by its path, as a guest. */
  run(program: string, options: RunOptions & { readonly socket?: string } = {}): Command {
    const command = new Command(
      process.execPath,
      [
        HELIOGRAPH,
        "run",
        `--socket=${options.socket ?? this.socket}`,
        ...(options.args ?? []),
        "--",
        "node",
        path.resolve(SAMPLES, program),
      ],
      { ...process.env, ...options.env },
    );
    this.#programs.push(command);
    return command;
  }

  /** What the admin API says of a session. */
  async report(session: string): Promise<SessionReport> {
    return SessionReport.parse(await this.act("GET", `/sessions/${session}`));
  }

  /** Asks the admin API as the host's admin; throws what it refuses. */
  async act(method: string, operation: string, body?: object): Promise<unknown> {
    const claims: Claims = { role: "admin", session: "*" };
    this.#adminToken ??= await this.#tokens.issue(claims, TOKEN_LIFETIME_SECONDS);
    const response = await fetch(`${this.url}/api/admin${operation}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#adminToken}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${operation}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Process id of a session's GPU worker, the latest that the gateway's log tells of. */
  workerOf(session: string): number | undefined {
    for (const line of this.gateway.lines.toReversed()) {
      if (!line.includes('"event":"worker.started"')) continue;
      const started: { session?: unknown; pid?: unknown } = JSON.parse(line);
      if (started.session === session) return Number(started.pid);
    }
    return undefined;
  }

  /** Process ids of the gateway's GPU workers. */
  async workers(): Promise<number[]> {
    const workers: number[] = [];
    for (const pid of await processTree(this.gateway.pid)) {
      const line = await commandLine(pid);
      if (line?.includes("server/worker/main") === true && !isBubblewrap(line)) workers.push(pid);
    }
    return workers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = await this.workers();
    for (const command of [...this.#programs, this.relay, this.gateway]) await command.kill();
    await this.proxy?.[Symbol.asyncDispose]();
    for (const pid of workers) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended with its gateway, as it should.
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

function relayTarget(url: string, proxy: TcpProxy | undefined): string {
  return proxy === undefined ? url : `http://127.0.0.1:${proxy.port}`;
}

function startRelay(url: string, folder: string): Command {
  return new Command(process.execPath, [
    HELIOGRAPH,
    "relay",
    `--gateway=${url}`,
    `--token-file=${path.join(folder, "guest.token")}`,
    `--socket=${path.join(folder, "relay.sock")}`,
  ]);
}
