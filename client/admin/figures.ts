import { formatBitRate } from "#client/viewer/stats/rows.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { assertNever } from "#shared/base/assert.ts";

// A session's figures as a person reads them. No DOM here.

const UNKNOWN = "–";

const STATES: Record<SessionReport["state"], string> = {
  "waiting-for-guest": "Waiting for a program",
  starting: "Starting",
  live: "Live",
  "guest-away": "Link interrupted",
  "guest-gone": "Program ended",
  "worker-restarting": "Worker restarting",
  paused: "Paused",
  quarantined: "Quarantined",
};

/** How the state is to be taken. */
export type Mood = "well" | "quiet" | "trouble";

const MOODS: Record<SessionReport["state"], Mood> = {
  "waiting-for-guest": "quiet",
  starting: "quiet",
  live: "well",
  "guest-away": "trouble",
  "guest-gone": "quiet",
  "worker-restarting": "trouble",
  paused: "quiet",
  quarantined: "trouble",
};

export function moodOf({ state }: SessionReport): Mood {
  return MOODS[state];
}

/** In the order of the table's columns, after the session's name. */
export function columnsOf(report: SessionReport): readonly string[] {
  const { errors } = report;
  return [
    STATES[report.state],
    report.profileAssigned ? `${report.profile} (assigned)` : report.profile,
    report.frameRate.toFixed(1),
    formatBitRate(report.bitrate),
    formatGpuTime(report.gpuTime),
    formatBytes(report.gpuMemory),
    String(report.programs),
    String(report.viewers),
    String(errors.worker + errors.program + errors.viewer),
  ];
}

/** All sessions together. GPU time is that of the sessions of which it is known. */
export function totalsOf(reports: readonly SessionReport[]): string {
  const sum = (figure: (report: SessionReport) => number): number =>
    reports.reduce((total, report) => total + figure(report), 0);
  const live = sum(({ state }) => (state === "live" ? 1 : 0));
  const isTimed = reports.some(({ gpuTime }) => gpuTime !== undefined);
  return [
    counted(reports.length, "session"),
    `${live} live`,
    counted(
      sum(({ viewers }) => viewers),
      "viewer",
    ),
    ...(isTimed ? [`GPU ${formatGpuTime(sum(({ gpuTime }) => gpuTime ?? 0))}`] : []),
  ].join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

export type Fact = { readonly name: string; readonly value: string };

/** What the table has no room for. */
export function factsOf(report: SessionReport): readonly Fact[] {
  const { width, height, objects, errors, lastError } = report;
  const picture = width === undefined || height === undefined ? UNKNOWN : `${width} × ${height}`;
  const stages = Object.entries(report.stages);
  return [
    { name: "Adapter", value: report.adapter ?? UNKNOWN },
    { name: "Encoder", value: report.encoder ?? UNKNOWN },
    { name: "Picture", value: picture },
    {
      name: "Share of the GPU",
      value: [
        formatShare(report.share),
        ...(report.shareAssigned ? ["(assigned)"] : []),
        ...(report.exclusive ? ["(nobody beside it)"] : []),
      ].join(" "),
    },
    {
      name: "Target bit rate",
      value: report.targetBitrate === undefined ? UNKNOWN : formatBitRate(report.targetBitrate),
    },
    { name: "Objects", value: objects?.toLocaleString("en") ?? UNKNOWN },
    { name: "Frames", value: report.frames.toLocaleString("en") },
    { name: "Worker restarts", value: String(report.restarts) },
    {
      name: "Errors",
      value: `${errors.worker} worker, ${errors.program} program, ${errors.viewer} viewer`,
    },
    {
      name: "Last error",
      value: lastError === undefined ? "none" : `${formatTime(lastError.at)} ${lastError.sentence}`,
    },
    {
      name: "Stages, a frame",
      value:
        stages.length === 0
          ? UNKNOWN
          : stages
              .map(
                ([stage, milliseconds]) =>
                  `${stage.replaceAll("_", " ")} ${milliseconds.toFixed(1)} ms`,
              )
              .join(", "),
    },
    { name: "Since", value: formatTime(report.since) },
    { name: "While empty", value: report.kept ? "stays: an admin made it" : "is forgotten" },
  ];
}

export function formatShare(share: GpuShare): string {
  switch (share.policy) {
    case "best-effort":
      return "best effort";
    case "equal-share":
      return `equal, weight ${share.weight}`;
    case "fixed-share":
      return `fixed, ${share.percent} %`;
    case "target-frame-rate":
      return `${share.frameRate} frames a second`;
    default:
      return assertNever(share);
  }
}

/** Of milliseconds a second. */
export function formatGpuTime(milliseconds: number | undefined): string {
  return milliseconds === undefined ? UNKNOWN : `${(milliseconds / 10).toFixed(0)} %`;
}

export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return UNKNOWN;
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(0)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

function formatTime(iso: string): string {
  return iso.replace("T", " ").replace(/\.\d+Z$/, " UTC");
}
