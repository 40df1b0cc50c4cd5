import type { SessionHistory } from "#shared/admin/messages.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";

/** Seconds between two samples. */
export const SAMPLE_SECONDS = 5;
/** An hour. Bounds what a session's history takes: about 20 KiB. */
export const MAX_SAMPLES = 3600 / SAMPLE_SECONDS;

const FIGURES = ["frameRate", "bitrate", "gpuTime", "gpuMemory", "viewers", "programs"] as const;
type Figure = (typeof FIGURES)[number];

/** The last hour of each session that there is. A session that is gone leaves nothing. */
export class History {
  readonly #rings = new Map<string, Ring>();

  /** `now` is in seconds since 1970. */
  sample(reports: Iterable<SessionReport>, now: number): void {
    const there = new Set<string>();
    for (const report of reports) {
      there.add(report.name);
      const ring = this.#rings.get(report.name) ?? new Ring();
      this.#rings.set(report.name, ring);
      ring.push(report, now);
    }
    for (const name of this.#rings.keys()) {
      if (!there.has(name)) this.#rings.delete(name);
    }
  }

  of(session: string): SessionHistory {
    return { session, ...(this.#rings.get(session) ?? new Ring()).read() };
  }
}

/** A figure that is not known is NaN here and null outside. */
class Ring {
  readonly #times = new Float64Array(MAX_SAMPLES);
  readonly #columns: Record<Figure, Float32Array>;
  #count = 0;

  constructor() {
    this.#columns = {
      frameRate: emptyColumn(),
      bitrate: emptyColumn(),
      gpuTime: emptyColumn(),
      gpuMemory: emptyColumn(),
      viewers: emptyColumn(),
      programs: emptyColumn(),
    };
  }

  push(report: SessionReport, now: number): void {
    const at = this.#count++ % MAX_SAMPLES;
    this.#times[at] = now;
    for (const figure of FIGURES) this.#columns[figure][at] = report[figure] ?? Number.NaN;
  }

  read(): Omit<SessionHistory, "session"> {
    const known = Math.min(this.#count, MAX_SAMPLES);
    const first = this.#count - known;
    const inOrder = (column: Float32Array | Float64Array): number[] =>
      Array.from({ length: known }, (_, index) => column[(first + index) % MAX_SAMPLES] ?? 0);
    const figure = (name: Figure): (number | null)[] =>
      inOrder(this.#columns[name]).map((value) => (Number.isNaN(value) ? null : value));
    return {
      times: inOrder(this.#times),
      frameRate: figure("frameRate"),
      bitrate: figure("bitrate"),
      gpuTime: figure("gpuTime"),
      gpuMemory: figure("gpuMemory"),
      viewers: figure("viewers"),
      programs: figure("programs"),
    };
  }
}

function emptyColumn(): Float32Array {
  return new Float32Array(MAX_SAMPLES);
}
