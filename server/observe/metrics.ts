import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FromMedia } from "#server/media/messages.ts";
import { WORKER_LEGS, type WorkerLeg } from "#server/worker/messages.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import type { Observer } from "./events.ts";

/** A label's text that a worker made up. Bounds what a Prometheus keeps for it. */
export const MAX_LABEL_CHARACTERS = 128;

/** Seconds: from what nobody sees to what anybody does. */
const LEG_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1, 2];

/** The last leg is the media thread's to tell: from the mapped picture to the frame's last packet. */
const MEDIA_LEG = "mapped_to_sent";

export type MetricsSources = {
  readonly reports: () => readonly SessionReport[];
  readonly isReady: () => boolean;
};

/** How often the event loop's delay is looked at. prom-client's 10 ms cost an idle gateway 1 % of a core. */
const EVENT_LOOP_LOOK_MS = 1000;

/**
 * The gateway as Prometheus sees it. All but the histograms is read from the sessions' reports when it is
 * asked for, so that a session that is forgotten leaves no series; forget() does the same for the histograms.
 */
export class Metrics {
  readonly #sources: MetricsSources;
  readonly #registry = new Registry();
  readonly #sessions: SessionMetrics;
  readonly #legs: Histogram<"session" | "leg">;
  readonly #ready: Gauge;
  readonly #count: Gauge;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    const registers = [this.#registry];
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS,
    });
    this.#ready = new Gauge({
      name: "heliograph_ready",
      help: "1 once a GPU was found.",
      registers,
    });
    this.#count = new Gauge({
      name: "heliograph_sessions",
      help: "Sessions that the gateway holds.",
      registers,
    });
    this.#sessions = sessionMetrics(this.#registry);
    this.#legs = new Histogram({
      name: "heliograph_frame_leg_seconds",
      help:
        "Parts of a frame's way: present_to_mapped, encode, mapped_to_socket (to the media thread) and " +
        "mapped_to_sent (to its last packet, for each viewer).",
      labelNames: ["session", "leg"],
      buckets: LEG_BUCKETS,
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Gives what sessions measure to the histograms. */
  get observer(): Observer {
    return {
      mediaStats: (session, stats) => this.#mediaStats(session, stats),
      workerLegs: (session, legs) => this.#workerLegs(session, legs),
    };
  }

  /** The session is no more. */
  forget(session: string): void {
    for (const leg of [...WORKER_LEGS, MEDIA_LEG]) this.#legs.remove({ session, leg });
  }

  /** The whole in Prometheus's text format. */
  async text(): Promise<string> {
    const reports = this.#sources.reports();
    this.#ready.set(this.#sources.isReady() ? 1 : 0);
    this.#count.set(reports.length);
    for (const metric of Object.values(this.#sessions)) metric.reset();
    for (const report of reports) fill(this.#sessions, report);
    return this.#registry.metrics();
  }

  #mediaStats(session: string, stats: Extract<FromMedia, { type: "stats" }>): void {
    for (const milliseconds of stats.presentToSentMs) {
      this.#legs.observe({ session, leg: MEDIA_LEG }, milliseconds / 1000);
    }
  }

  #workerLegs(session: string, legs: Partial<Record<WorkerLeg, readonly number[]>>): void {
    for (const leg of WORKER_LEGS) {
      for (const milliseconds of legs[leg] ?? []) {
        this.#legs.observe({ session, leg }, milliseconds / 1000);
      }
    }
  }
}

type SessionMetrics = ReturnType<typeof sessionMetrics>;

function sessionMetrics(registry: Registry) {
  const registers = [registry];
  const gauge = <Label extends string = never>(name: string, help: string, labels: Label[] = []) =>
    new Gauge<"session" | Label>({
      name: `heliograph_session_${name}`,
      help,
      labelNames: ["session", ...labels],
      registers,
    });
  const counter = <Label extends string = never>(
    name: string,
    help: string,
    labels: Label[] = [],
  ) =>
    new Counter<"session" | Label>({
      name: `heliograph_session_${name}_total`,
      help,
      labelNames: ["session", ...labels],
      registers,
    });
  return {
    state: gauge("state", "1 for the state that the session is in.", ["state"]),
    info: gauge("info", "Always 1; what the session runs with.", ["profile", "adapter", "encoder"]),
    paused: gauge("paused", "1 while an admin has it paused."),
    quarantined: gauge("quarantined", "1 while its guest is not let in."),
    programs: gauge("programs", "Programs that are connected."),
    viewers: gauge("viewers", "Viewers that watch."),
    frameRate: gauge("frame_rate", "Frames a second that left the GPU."),
    bitrate: gauge("bitrate_bits_per_second", "Video from the encoder."),
    targetBitrate: gauge("target_bitrate_bits_per_second", "What the encoder is asked for."),
    gpuTime: gauge("gpu_busy_ratio", "GPU seconds a second, where they are known."),
    gpuMemory: gauge("gpu_memory_bytes", "GPU memory, where it is known."),
    objects: gauge("objects", "WebGPU objects of its programs that are alive."),
    stage: gauge("stage_seconds", "Mean time of a frame in a stage, in the last second.", [
      "stage",
    ]),
    frames: counter("frames", "Frames that left the GPU."),
    restarts: counter("worker_restarts", "GPU workers that were started after the first."),
    errors: counter("errors", "Workers, programs and viewers that were lost.", ["kind"]),
    events: counter("events", "What the stages counted.", ["event"]),
  };
}

function fill(metrics: SessionMetrics, report: SessionReport): void {
  const { name: session, state, profile } = report;
  metrics.state.set({ session, state }, 1);
  const adapter = (report.adapter ?? "").slice(0, MAX_LABEL_CHARACTERS);
  const encoder = (report.encoder ?? "").slice(0, MAX_LABEL_CHARACTERS);
  metrics.info.set({ session, profile, adapter, encoder }, 1);
  metrics.paused.set({ session }, report.paused ? 1 : 0);
  metrics.quarantined.set({ session }, report.quarantine === undefined ? 0 : 1);
  metrics.programs.set({ session }, report.programs);
  metrics.viewers.set({ session }, report.viewers);
  metrics.frameRate.set({ session }, report.frameRate);
  metrics.bitrate.set({ session }, report.bitrate);
  if (report.targetBitrate !== undefined) {
    metrics.targetBitrate.set({ session }, report.targetBitrate);
  }
  if (report.gpuTime !== undefined) metrics.gpuTime.set({ session }, report.gpuTime / 1000);
  if (report.gpuMemory !== undefined) metrics.gpuMemory.set({ session }, report.gpuMemory);
  if (report.objects !== undefined) metrics.objects.set({ session }, report.objects);
  for (const [stage, milliseconds] of Object.entries(report.stages)) {
    metrics.stage.set({ session, stage }, milliseconds / 1000);
  }
  metrics.frames.inc({ session }, report.frames);
  metrics.restarts.inc({ session }, report.restarts);
  for (const [kind, count] of Object.entries(report.errors)) {
    metrics.errors.inc({ session, kind }, count);
  }
  for (const [event, count] of Object.entries(report.counts)) {
    metrics.events.inc({ session, event }, count);
  }
}
