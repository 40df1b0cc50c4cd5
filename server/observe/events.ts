import type { FromMedia } from "#server/media/messages.ts";
import type { Logger } from "./logger.ts";

// Every business event of the gateway, in one place: what an admin searches the log for.
// Each line has `event`, and `session` where there is one. No event carries a token.

/** Where the gateway listens, and what it found. */
export type GatewayStarted = {
  readonly url: string;
  readonly stateFolder: string;
  /** What keeps a worker from the rest of the host. */
  readonly confinement: "none";
};

/** Figures that come about once a second for each session; who wants them asks for them. */
export type Observer = {
  readonly mediaStats?: (session: string, stats: Extract<FromMedia, { type: "stats" }>) => void;
  readonly workerStats?: (session: string, stages: Readonly<Record<string, number>>) => void;
};

export class Events {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  gatewayStarted(started: GatewayStarted): void {
    this.#logger.info({ event: "gateway.started", ...started }, `Listening on ${started.url}.`);
  }

  gatewayStopping(reason: string): void {
    this.#logger.info({ event: "gateway.stopping", reason }, `Stopping: ${reason}`);
  }

  gatewayStopped(): void {
    this.#logger.info({ event: "gateway.stopped" }, "Stopped.");
  }

  gpuProbed(adapter: string, isSoftware: boolean): void {
    this.#logger.info({ event: "gpu.probed", adapter, isSoftware }, `Sessions use ${adapter}.`);
  }

  gpuMissing(reason: string): void {
    this.#logger.error({ event: "gpu.missing", reason }, reason);
  }

  guestRefused(status: number, reason: string, address: string): void {
    this.#logger.warn({ event: "guest.refused", status, reason, address }, reason);
  }

  viewerRefused(reason: string, address: string): void {
    this.#logger.warn({ event: "viewer.refused", reason, address }, reason);
  }

  /** Said once a minute of each address or session that is over a limit. */
  doorLimited(door: string, reason: string): void {
    this.#logger.warn({ event: "door.limited", door, reason }, reason);
  }

  guestConnected(session: string, connection: number): void {
    this.#logger.info(
      { event: "guest.connected", session, connection },
      `Program ${connection} connected.`,
    );
  }

  guestEnded(session: string, connection: number, reason: string): void {
    this.#logger.info(
      { event: "guest.ended", session, connection, reason },
      `Program ${connection} ended: ${reason}`,
    );
  }

  viewerJoined(session: string, viewer: string, control: boolean): void {
    this.#logger.info({ event: "viewer.joined", session, viewer, control }, "A viewer joined.");
  }

  viewerFailed(session: string, viewer: string, reason = "Its video connection ended."): void {
    this.#logger.warn({ event: "viewer.failed", session, viewer, reason }, reason);
  }

  viewerLeft(session: string, viewer: string): void {
    this.#logger.info({ event: "viewer.left", session, viewer }, "A viewer left.");
  }

  workerStarted(session: string, pid: number, adapter: string, encoder: string): void {
    this.#logger.info(
      { event: "worker.started", session, pid, adapter, encoder },
      `A GPU worker started on ${adapter}.`,
    );
  }

  workerEnded(session: string, pid: number, reason: string, expected: boolean): void {
    const fields = { event: "worker.ended", session, pid, reason };
    if (expected) this.#logger.info(fields, reason);
    else this.#logger.error(fields, reason);
  }

  /** A line that a worker printed: already cut and rate-limited. */
  workerOutput(session: string, line: string): void {
    this.#logger.debug({ event: "worker.output", session }, line);
  }

  /** Something of our own broke and was contained. */
  fault(what: string, cause: unknown, session?: string): void {
    this.#logger.error({ event: "fault", session, err: cause }, what);
  }
}
