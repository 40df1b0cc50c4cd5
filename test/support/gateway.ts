import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { resolveConfig } from "#server/config/config.ts";
import { Gateway, type GatewayOptions } from "#server/main/gateway.ts";

/** The scripted worker's program, for gateways that test what a worker may do. */
export const SCRIPTED_WORKER = fileURLToPath(new URL("scripted-worker.ts", import.meta.url));

export type TestGatewayOptions = Omit<GatewayOptions, "logger"> & {
  /** The configuration file's text. */
  readonly yaml?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Of another gateway, whose keys this one is to have. */
  readonly stateFolder?: string;
};

/** A real gateway on a port of its own, with keys of its own. */
export class TestGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  /** What was logged: one object a line. */
  readonly log: readonly Record<string, unknown>[];
  readonly folder: string;

  private constructor(gateway: Gateway, folder: string, log: readonly Record<string, unknown>[]) {
    this.gateway = gateway;
    this.folder = folder;
    this.log = log;
  }

  static async start({
    yaml = "",
    port = 0,
    stateFolder,
    ...options
  }: TestGatewayOptions = {}): Promise<TestGateway> {
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-test-"));
    const log: Record<string, unknown>[] = [];
    const logger = pino({ level: "debug" }, { write: (line) => void log.push(JSON.parse(line)) });
    const environment = {
      configFile: undefined,
      stateFolder: stateFolder ?? path.join(folder, "state"),
      cacheFolder: path.join(homedir(), ".cache", "heliograph"),
      runtimeFolder: folder,
    };
    const source = { file: path.join(folder, "heliograph.yaml"), text: yaml };
    const config = resolveConfig(environment, { port }, source);
    return new TestGateway(await Gateway.start(config, { ...options, logger }), folder, log);
  }

  get url(): string {
    return this.gateway.url;
  }

  guestToken(session: string, profile = "default"): Promise<string> {
    return this.gateway.tokens.issue({ role: "guest", session, profile }, 3600);
  }

  operatorToken(session: string, role: "view" | "control" = "control"): Promise<string> {
    return this.gateway.tokens.issue({ role, session }, 3600);
  }

  /** Of the whole host. */
  adminToken(): Promise<string> {
    return this.gateway.tokens.issue({ role: "admin", session: "*" }, 3600);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
