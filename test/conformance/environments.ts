import { readGatewayEnvironment } from "#server/config/env.ts";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";
import { Stack } from "#test/support/stack.ts";
import type { Way } from "./results.ts";

/** The suite measures the API: a profile's bounds, which are to be met on purpose, are out of its way. */
const PROFILE = {
  share: { policy: "best-effort" }, // Jobs do not wait for one another.
  hostMemoryMb: 16_384,
  gpuMemoryMb: 16_384,
  mappedMemoryMb: 8192,
  objects: 1_000_000,
  shaderKb: 16_384,
  compilesPerSecond: 1_000_000,
  errorsPerSecond: 1_000_000,
  uploadMbPerSecond: 1_048_576,
  readbackMbPerSecond: 1_048_576,
  maxDrawVertices: Number.MAX_SAFE_INTEGER,
  maxDispatchWorkgroups: Number.MAX_SAFE_INTEGER,
};
const CONFIG = {
  gpu: "software",
  submitDeadline: 600_000,
  workerIdleSeconds: 3600,
  profiles: { default: PROFILE },
};

/** What the suite's process needs in its environment, each way. */
export class Environments implements AsyncDisposable {
  readonly #software: NodeJS.ProcessEnv;
  readonly #stack: Stack | undefined;
  /** Relays' sockets, one a job: each has a session, and so a GPU worker, of its own. */
  readonly #sockets: readonly string[];

  private constructor(
    software: NodeJS.ProcessEnv,
    stack: Stack | undefined,
    sockets: readonly string[],
  ) {
    this.#software = software;
    this.#stack = stack;
    this.#sockets = sockets;
  }

  /**
   * With a gateway, and a relay for each job, whose GPU workers stand for as long as guests come. What
   * they say takes `delay` milliseconds each way.
   */
  static async start(
    jobs: number,
    delay: number,
    say: (line: string) => void,
  ): Promise<Environments> {
    const driver = await unpackSoftwareVulkan(readGatewayEnvironment().cacheFolder);
    const software = { ...process.env, ...driver };
    if (jobs === 0) return new Environments(software, undefined, []);
    const stack = await Stack.start({ config: CONFIG, proxied: delay > 0, delay });
    const [, confinement] = await stack.gateway.line(/"confinement":"(\w+)"/);
    say(`confinement: ${confinement}`);
    const sockets = [stack.socket];
    while (sockets.length < jobs) sockets.push((await stack.addVm(`job${sockets.length}`)).socket);
    return new Environments(software, stack, sockets);
  }

  of(way: Way, job: number): NodeJS.ProcessEnv {
    if (way === "direct") return this.#software;
    return { ...process.env, HELIOGRAPH_RELAY: this.#sockets[job] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack?.[Symbol.asyncDispose]();
  }
}
