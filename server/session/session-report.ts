import type { FromMedia } from "#server/media/messages.ts";
import { MAX_SENTENCE_CHARACTERS, type SessionReport } from "#shared/admin/session-report.ts";
import { TALLIED } from "#server/replay/tally.ts";
import { RecentRate } from "./recent-rate.ts";

type MediaStats = Extract<FromMedia, { type: "stats" }>;
export type SessionErrorKind = keyof SessionReport["errors"];

/** The part of a report that is counted and measured; the session knows the rest. */
export type SessionFigures = Pick<
  SessionReport,
  | "frameRate"
  | "bitrate"
  | "targetBitrate"
  | "gpuTime"
  | "gpuMemory"
  | "objects"
  | "frames"
  | "restarts"
  | "errors"
  | "lastError"
  | "stages"
  | "counts"
>;

// What a worker's "stats" may name. It is a stranger's word, so what is not listed is not kept: a worker
// must not be able to fill the gateway's memory, or a Prometheus, with names.

/** Each comes as `<stage>_ms`, the mean of the last second. */
export const WORKER_STAGES = [
  "replay",
  "present_to_mapped",
  "compare",
  "convert",
  "encode",
  "mapped_to_socket",
] as const;

/** Each comes as a count of the last second. */
export const WORKER_COUNTS = [
  "frames",
  "presented_frames",
  "refused_frames",
  "failed_captures",
  "skipped_frames",
  "unchanged_frames",
  "encoded_frames",
  "repeated_frames",
  "encoded_bytes",
  "polls",
  ...TALLIED,
] as const;

/** The gateway's own count. */
const REFUSED_JOINS = "refused_joins";

/** GPU milliseconds that were spent since the last report. */
const GPU_TIME = "gpu_time_ms";
/** Bytes of GPU memory now. */
const GPU_MEMORY = "gpu_memory_bytes";

/** Past it a worker's number is none: it would swamp every sum. */
export const MAX_WORKER_NUMBER = 1e12;

/**
 * Keeps a session's figures. Who measures something new calls a method here, and names it in
 * shared/admin/session-report.ts; API, metrics and page then have it.
 */
export class FigureKeeper {
  readonly #now: () => number;
  readonly #frameRate = new RecentRate();
  readonly #bitrate = new RecentRate();
  readonly #gpuTime = new RecentRate();
  readonly #errors = { worker: 0, program: 0, viewer: 0 };
  readonly #counts = new Map<string, number>();
  readonly #stages = new Map<string, number>();
  #targetBitrate: number | undefined;
  #tellsGpuTime = false;
  #gpuMemory: number | undefined;
  #objects: number | undefined;
  #frames = 0;
  #workers = 0;
  #lastError: SessionReport["lastError"];

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  frameFinished(): void {
    this.#frames++;
    this.#frameRate.add(1, this.#now());
  }

  gpuTime(milliseconds: number): void {
    this.#tellsGpuTime = true;
    this.#gpuTime.add(milliseconds, this.#now());
  }

  gpuMemory(bytes: number): void {
    this.#gpuMemory = bytes;
  }

  objects(alive: number): void {
    this.#objects = alive;
  }

  workerStarted(): void {
    this.#workers++;
  }

  /** What the worker held is free again, and what it measured is no more. */
  workerEnded(): void {
    this.#stages.clear();
    this.#targetBitrate = undefined;
    if (this.#gpuMemory !== undefined) this.#gpuMemory = 0;
    if (this.#objects !== undefined) this.#objects = 0;
  }

  error(kind: SessionErrorKind, sentence: string): void {
    this.#errors[kind]++;
    this.#lastError = {
      at: new Date().toISOString(),
      sentence: sentence.slice(0, MAX_SENTENCE_CHARACTERS),
    };
  }

  workerStats(stages: Readonly<Record<string, number>>): void {
    for (const stage of WORKER_STAGES) {
      const mean = trusted(stages[`${stage}_ms`]);
      if (mean !== undefined) this.#stages.set(stage, mean);
    }
    for (const name of WORKER_COUNTS) {
      const count = trusted(stages[name]);
      if (count !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
    const time = trusted(stages[GPU_TIME]);
    if (time !== undefined) this.gpuTime(time);
    const memory = trusted(stages[GPU_MEMORY]);
    if (memory !== undefined) this.gpuMemory(memory);
  }

  /** A program or viewer came with a good token, and too often. */
  joinRefused(): void {
    this.#counts.set(REFUSED_JOINS, (this.#counts.get(REFUSED_JOINS) ?? 0) + 1);
  }

  mediaStats({ bitrate, targetBitrate }: MediaStats): void {
    this.#bitrate.add(bitrate, this.#now());
    this.#targetBitrate = targetBitrate;
  }

  report(): SessionFigures {
    const now = this.#now();
    return {
      frameRate: this.#frameRate.perSecond(now),
      bitrate: this.#bitrate.perSecond(now),
      ...(this.#targetBitrate === undefined ? {} : { targetBitrate: this.#targetBitrate }),
      ...(this.#tellsGpuTime ? { gpuTime: this.#gpuTime.perSecond(now) } : {}),
      ...(this.#gpuMemory === undefined ? {} : { gpuMemory: this.#gpuMemory }),
      ...(this.#objects === undefined ? {} : { objects: this.#objects }),
      frames: this.#frames,
      restarts: Math.max(0, this.#workers - 1),
      errors: { ...this.#errors },
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      stages: Object.fromEntries(this.#stages),
      counts: Object.fromEntries(this.#counts),
    };
  }
}

function trusted(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 && value <= MAX_WORKER_NUMBER ? value : undefined;
}
