import { changesSentence, type ConfigChanges } from "#server/config/changes.ts";
import type { Confinement } from "#server/confine/confinement.ts";
import type { MemoryCap } from "#server/confine/memory-cap.ts";
import type { FromMedia } from "#server/media/messages.ts";
import type { RecordingEnd } from "#server/recording/format.ts";
import type { ToGateway, WorkerLeg } from "#server/worker/messages.ts";
import type { Logger } from "./logger.ts";

// Every business event of the gateway, in one place: what an admin searches the log for.
// Each line has `event`, and `session` where there is one. No event carries a token.

/** Where the gateway listens, and what it found. */
export type GatewayStarted = {
  readonly url: string;
  readonly stateFolder: string;
  readonly confinement: Confinement["kind"];
};

/** Figures that come about once a second for each session; who wants them asks for them. */
export type Observer = {
  readonly mediaStats?: (session: string, stats: Extract<FromMedia, { type: "stats" }>) => void;
  /** What the session holds of GPU memory, host memory and objects, when it changed. */
  readonly workerMemory?: (
    session: string,
    memory: Omit<Extract<ToGateway, { type: "memory" }>, "type">,
  ) => void;
  readonly workerStats?: (session: string, stages: Readonly<Record<string, number>>) => void;
  /** A worker's word, bounded by its message: milliseconds, one for each frame. */
  readonly workerLegs?: (
    session: string,
    legs: Partial<Record<WorkerLeg, readonly number[]>>,
  ) => void;
};

/** Tells both what there is to tell. */
export function both(one: Observer, other: Observer): Observer {
  return {
    mediaStats: (...stats) => {
      one.mediaStats?.(...stats);
      other.mediaStats?.(...stats);
    },
    workerMemory: (...memory) => {
      one.workerMemory?.(...memory);
      other.workerMemory?.(...memory);
    },
    workerStats: (...stats) => {
      one.workerStats?.(...stats);
      other.workerStats?.(...stats);
    },
    workerLegs: (...legs) => {
      one.workerLegs?.(...legs);
      other.workerLegs?.(...legs);
    },
  };
}

export type AdminAct = {
  /** The `jti` of the admin's token, which does not give it away. */
  readonly tokenId: string;
  /** The operation's id in the API's description. */
  readonly act: string;
  readonly session: string;
  /** What was asked for, within the limit of a request's body. */
  readonly body: unknown;
  /** Of the HTTP answer. */
  readonly status: number;
  /** A sentence. */
  readonly result: string;
};

export class Events {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  gatewayStarted(started: GatewayStarted): void {
    this.#logger.info({ event: "gateway.started", ...started }, `Listening on ${started.url}.`);
  }

  /** What keeps GPU workers from the rest of the host, and what would. */
  confinementFound({ kind, sentence, nextStep }: Confinement): void {
    const fields = { event: "gateway.confinement", confinement: kind, nextStep };
    if (nextStep === undefined) this.#logger.info(fields, sentence);
    else this.#logger.warn(fields, `${sentence} ${nextStep}`);
  }

  memoryCapFound({ sentence, ...cap }: MemoryCap): void {
    this.#logger.info({ event: "gateway.memory", ...cap }, sentence);
  }

  /** The host's commands do not reach the gateway; the reason is a sentence. */
  hostSocketMissing(reason: string): void {
    this.#logger.warn({ event: "gateway.no-host-socket", reason }, reason);
  }

  /** Workers start as before, only slower. */
  codeNotCompiled(error: unknown): void {
    this.#logger.warn(
      { event: "gateway.code-not-compiled", err: error },
      "The code of GPU workers can't be compiled in advance: they start more slowly.",
    );
  }

  configChanged(changes: ConfigChanges): void {
    this.#logger.info({ event: "config.changed", ...changes }, changesSentence(changes));
  }

  /** The one before stays. */
  configRefused(reason: string): void {
    this.#logger.error(
      { event: "config.refused", reason },
      `The configuration that was read again is wrong, and the one before stays. ${reason}`,
    );
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

  guestAway(session: string, connection: number, reason: string): void {
    this.#logger.warn(
      { event: "guest.away", session, connection, reason },
      `The link of program ${connection} broke and is waited for: ${reason}`,
    );
  }

  guestBack(session: string, connection: number, milliseconds: number): void {
    this.#logger.info(
      { event: "guest.back", session, connection, milliseconds: Math.round(milliseconds) },
      `The link of program ${connection} was resumed.`,
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

  /** The session's submit held the GPU too long, or a command its worker, which is killed for it. `how` is a sentence. */
  gpuOverdue(session: string, milliseconds: number, how: string): void {
    this.#logger.error({ event: "gpu.overdue", session, milliseconds }, how);
  }

  recordingBegan(session: string, connection: number, file: string): void {
    this.#logger.info(
      { event: "recording.began", session, connection, file },
      `Program ${connection} is recorded to ${file}.`,
    );
  }

  recordingEnded(session: string, connection: number, { why, sentence }: RecordingEnd): void {
    this.#logger.info(
      { event: "recording.ended", session, connection, why, reason: sentence },
      `The recording of program ${connection} ended: ${sentence}`,
    );
  }

  /** The program goes on, and is not recorded, or no further. */
  recordingFailed(session: string, connection: number, reason: string): void {
    this.#logger.warn(
      { event: "recording.failed", session, connection, reason },
      `Program ${connection} is not recorded: ${reason}`,
    );
  }

  sessionQuarantined(session: string, reason: string): void {
    this.#logger.warn({ event: "session.quarantined", session, reason }, reason);
  }

  sessionReadmitted(session: string): void {
    this.#logger.info({ event: "session.readmitted", session }, "The session is let back.");
  }

  /** What an admin did, or was kept from doing: the audit trail. */
  adminActed({ tokenId, ...act }: AdminAct): void {
    const fields = { event: "admin.acted", tokenId, ...act };
    this.#logger.info(fields, `Admin ${tokenId}: ${act.act} of ${act.session}. ${act.result}`);
  }

  adminRefused(status: number, reason: string, address: string): void {
    this.#logger.warn({ event: "admin.refused", status, reason, address }, reason);
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
