import uPlot from "uplot";
import { formatBitRate } from "#client/viewer/stats/rows.ts";
import { element } from "#client/viewer/view/element.ts";
import type { SessionHistory } from "#shared/admin/messages.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { formatBytes, formatGpuTime } from "../figures.ts";

const HOUR_SECONDS = 3600;
/** As the gateway samples. */
const SAMPLE_SECONDS = 5;
const HEIGHT = 104;
/** A young session's few samples are not squeezed into an hour's edge. */
const LEAST_SECONDS = 300;

type Figure = "frameRate" | "bitrate" | "gpuTime" | "gpuMemory" | "viewers" | "programs";
type Line = { readonly figure: Figure; readonly label: string; readonly colour: string };
type Chart = {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** What the axis goes up to at least. */
  readonly least: number;
};

const CHARTS: readonly Chart[] = [
  {
    title: "Frames a second",
    lines: [{ figure: "frameRate", label: "Frames/s", colour: "--line-1" }],
    format: (value) => String(value),
    least: 10,
  },
  {
    title: "Bit rate",
    lines: [{ figure: "bitrate", label: "Bit rate", colour: "--line-2" }],
    format: formatBitRate,
    least: 100_000,
  },
  {
    title: "GPU time",
    lines: [{ figure: "gpuTime", label: "GPU time", colour: "--line-3" }],
    format: formatGpuTime,
    least: 100,
  },
  {
    title: "GPU memory",
    lines: [{ figure: "gpuMemory", label: "GPU memory", colour: "--line-4" }],
    format: formatBytes,
    least: 2 ** 26,
  },
  {
    title: "Programs and viewers",
    lines: [
      { figure: "programs", label: "Programs", colour: "--line-1" },
      { figure: "viewers", label: "Viewers", colour: "--line-2" },
    ],
    format: (value) => (Number.isInteger(value) ? String(value) : ""),
    least: 2,
  },
];

/** A session's last hour, going on as it goes on. A figure that nobody measures has no chart. */
export class Charts {
  readonly #place = element("charts", HTMLElement);
  readonly #scheme = window.matchMedia("(prefers-color-scheme: dark)");
  readonly #resized = new ResizeObserver(() => this.#fit());
  #history: SessionHistory | undefined;
  #plots: { readonly chart: Chart; readonly plot: uPlot }[] = [];

  constructor() {
    this.#resized.observe(this.#place);
    // A canvas has the colours that it was drawn with.
    this.#scheme.addEventListener("change", () => this.#draw());
  }

  show(history: SessionHistory): void {
    this.#history = history;
    this.#draw();
  }

  clear(): void {
    this.#history = undefined;
    this.#draw();
  }

  /** `now` is in seconds since 1970. */
  add(report: SessionReport, now: number): void {
    const history = this.#history;
    if (history?.session !== report.name) return;
    if (now - (history.times.at(-1) ?? 0) < SAMPLE_SECONDS) return;
    history.times.push(now);
    for (const figure of FIGURES) history[figure].push(report[figure] ?? null);
    while (now - (history.times[0] ?? now) > HOUR_SECONDS) {
      history.times.shift();
      for (const figure of FIGURES) history[figure].shift();
    }
    if (this.#plots.length === this.#known(history).length) {
      for (const { chart, plot } of this.#plots) plot.setData(dataOf(chart, history));
    } else {
      this.#draw(); // A figure became known.
    }
  }

  #known(history: SessionHistory): readonly Chart[] {
    return CHARTS.filter(({ lines }) =>
      lines.some(({ figure }) => history[figure].some((value) => value !== null)),
    );
  }

  #draw(): void {
    for (const { plot } of this.#plots) plot.destroy();
    const history = this.#history;
    this.#plots =
      history === undefined
        ? []
        : this.#known(history).map((chart) => ({ chart, plot: this.#plot(chart, history) }));
  }

  #plot(chart: Chart, history: SessionHistory): uPlot {
    const axis = { stroke: this.#colour("--quiet"), font: "11px system-ui, sans-serif" };
    const line = { stroke: this.#colour("--line"), width: 1 };
    const options: uPlot.Options = {
      title: chart.title,
      width: this.#width,
      height: HEIGHT,
      legend: { show: chart.lines.length > 1, live: false },
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { range: () => rangeOf(history, Date.now() / 1000) },
        y: { range: (_plot, _lowest, highest) => [0, Math.max(chart.least, highest * 1.15)] },
      },
      axes: [
        {
          ...axis,
          grid: line,
          ticks: line,
          size: 28,
          space: 60,
          values: (_plot, seconds) => seconds.map(timeOfDay),
        },
        {
          ...axis,
          grid: line,
          ticks: { show: false },
          size: 78,
          space: 30,
          values: (_plot, values) => values.map(chart.format),
        },
      ],
      series: [
        {},
        ...chart.lines.map(({ label, colour }) => ({
          label,
          stroke: this.#colour(colour),
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
    return new uPlot(options, dataOf(chart, history), this.#place);
  }

  #fit(): void {
    for (const { plot } of this.#plots) plot.setSize({ width: this.#width, height: HEIGHT });
  }

  get #width(): number {
    return Math.max(200, this.#place.clientWidth);
  }

  /** What the page's style makes of the variable now. */
  #colour(variable: string): string {
    const probe = document.createElement("i");
    probe.style.color = `var(${variable})`;
    this.#place.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }
}

const FIGURES = CHARTS.flatMap(({ lines }) => lines.map(({ figure }) => figure));

function rangeOf({ times }: SessionHistory, now: number): [number, number] {
  return [Math.max(now - HOUR_SECONDS, Math.min(times[0] ?? now, now - LEAST_SECONDS)), now];
}

function timeOfDay(seconds: number): string {
  const time = new Date(seconds * 1000);
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

function dataOf({ lines }: Chart, history: SessionHistory): uPlot.AlignedData {
  return [history.times, ...lines.map(({ figure }) => history[figure])];
}
