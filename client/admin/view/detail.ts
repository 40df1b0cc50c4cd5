import { element } from "#client/viewer/view/element.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { factsOf } from "../figures.ts";
import { ShareForm } from "./share-form.ts";

export type DetailAct = "screen" | "pause" | "evict" | "quarantine" | "remove";

export type DetailEvents = {
  readonly act: (act: DetailAct) => void;
  /** Undefined: that of the guest's token. */
  readonly profile: (profile: string | undefined) => void;
  /** Undefined: that of the session's profile. */
  readonly share: (share: GpuShare | undefined) => void;
  readonly closed: () => void;
};

const ACTS: readonly DetailAct[] = ["screen", "pause", "evict", "quarantine", "remove"];
/** The choice of the guest's own profile: no profile has an empty name. */
const OF_TOKEN = "";

/** One session: what it does, and what can be done to it. */
export class Detail {
  readonly #section = element("detail", HTMLElement);
  readonly #name = element("detail-name", HTMLElement);
  readonly #sentence = element("detail-sentence", HTMLElement);
  readonly #facts = element("facts", HTMLElement);
  readonly #profiles = element("profile-select", HTMLSelectElement);
  readonly #pause = element("act-pause", HTMLButtonElement);
  readonly #quarantine = element("act-quarantine", HTMLButtonElement);
  readonly #remove = element("act-remove", HTMLButtonElement);
  readonly #share: ShareForm;
  #shown: string | undefined;
  #choices = "";

  constructor({ act, profile, share, closed }: DetailEvents) {
    for (const each of ACTS) {
      element(`act-${each}`, HTMLButtonElement).addEventListener("click", () => act(each));
    }
    element("profile-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const { value } = this.#profiles;
      profile(value === OF_TOKEN ? undefined : value);
    });
    this.#share = new ShareForm(share);
    element("detail-close", HTMLButtonElement).addEventListener("click", closed);
    this.#section.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closed();
    });
  }

  show(report: SessionReport, profiles: readonly string[]): void {
    const isNew = this.#shown !== report.name;
    this.#shown = report.name;
    this.#section.hidden = false;
    setText(this.#name, report.name);
    setText(this.#sentence, report.sentence);
    setText(this.#pause, report.paused ? "Resume" : "Pause");
    setText(this.#quarantine, report.quarantine === undefined ? "Quarantine…" : "Release…");
    this.#remove.disabled = report.quarantine !== undefined;
    this.#offer(report, profiles, isNew);
    this.#share.show(report, isNew);
    this.#tell(report);
    if (isNew) this.#name.focus();
  }

  hide(): void {
    this.#shown = undefined;
    this.#section.hidden = true;
  }

  /** What a person has chosen and not yet applied stays chosen. */
  #offer(report: SessionReport, profiles: readonly string[], isNew: boolean): void {
    const choices = JSON.stringify([report.profile, report.profileAssigned, profiles]);
    if (!isNew && choices === this.#choices) return;
    this.#choices = choices;
    const chosen = report.profileAssigned ? report.profile : OF_TOKEN;
    this.#profiles.replaceChildren(
      new Option("as its token says", OF_TOKEN, false, chosen === OF_TOKEN),
      ...profiles.map((name) => new Option(name, name, false, chosen === name)),
    );
  }

  #tell(report: SessionReport): void {
    const facts = factsOf(report);
    if (this.#facts.children.length !== facts.length * 2) {
      this.#facts.replaceChildren(
        ...facts.flatMap(() => [document.createElement("dt"), document.createElement("dd")]),
      );
    }
    for (const [index, { name, value }] of facts.entries()) {
      setText(this.#facts.children[index * 2], name);
      setText(this.#facts.children[index * 2 + 1], value);
    }
  }
}

/** A screen reader says again whatever is set again. */
function setText(place: Element | undefined, text: string): void {
  if (place !== undefined && place.textContent !== text) place.textContent = text;
}
