import { type StatsSources, statsRows } from "./rows.ts";
import { ratesBetween, readSample, type Report, type Sample } from "./sample.ts";

const PERIOD_MS = 1_000;

/** The statistics panel. It asks the browser for its counts only while it is open. */
export class StatsPanel {
  readonly #panel: HTMLElement;
  readonly #list: HTMLElement;
  readonly #told: () => StatsSources;
  readonly #report: () => Promise<Report | undefined>;
  #last: Sample | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `told` is what the gateway says, `report` what the browser counts. */
  constructor(
    panel: HTMLElement,
    list: HTMLElement,
    told: () => StatsSources,
    report: () => Promise<Report | undefined>,
  ) {
    this.#panel = panel;
    this.#list = list;
    this.#told = told;
    this.#report = report;
  }

  get open(): boolean {
    return !this.#panel.hidden;
  }

  /** Returns whether the panel is open now. */
  toggle(): boolean {
    this.#panel.hidden = this.open;
    clearInterval(this.#timer);
    this.#last = undefined;
    if (this.open) {
      this.#timer = setInterval(() => void this.#update(), PERIOD_MS);
      void this.#update();
    }
    return this.open;
  }

  async #update(): Promise<void> {
    // A connection that closes meanwhile has no report; the next second's has.
    const report = await this.#report().catch(() => undefined);
    const sample = report && readSample(report);
    const rates = this.#last && sample && ratesBetween(this.#last, sample);
    this.#last = sample;
    const { ownerDocument: document } = this.#list;
    this.#list.replaceChildren(
      ...statsRows({ ...this.#told(), sample, rates }).flatMap(({ name, value }) => {
        const term = document.createElement("dt");
        const description = document.createElement("dd");
        term.textContent = name;
        description.textContent = value;
        description.dataset["name"] = name;
        return [term, description];
      }),
    );
  }
}
