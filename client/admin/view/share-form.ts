import { element } from "#client/viewer/view/element.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { SHARE_LIMITS } from "#shared/admin/share-limits.ts";
import { assertNever } from "#shared/base/assert.ts";

type Policy = GpuShare["policy"];
type Choice = {
  readonly policy: Policy;
  readonly title: string;
  /** What is given with it; a best effort needs nothing. */
  readonly amount?: {
    readonly label: string;
    readonly least: number;
    readonly most: number;
    readonly usual: number;
  };
};

const CHOICES: readonly Choice[] = [
  {
    policy: "equal-share",
    title: "equal, by weight",
    amount: { label: "Weight", ...SHARE_LIMITS.weight, usual: 1 },
  },
  {
    policy: "fixed-share",
    title: "fixed, percent",
    amount: { label: "Percent", ...SHARE_LIMITS.percent, usual: 25 },
  },
  {
    policy: "target-frame-rate",
    title: "target, frames/s",
    amount: { label: "Frames a second", ...SHARE_LIMITS.frameRate, usual: 30 },
  },
  { policy: "best-effort", title: "best effort" },
];

/** The choice of the profile's own share: no policy has an empty name. */
const OF_PROFILE = "";

/** Chooses a session's part of the GPU. What a person has chosen and not yet applied stays chosen. */
export class ShareForm {
  readonly #policy = element("share-policy", HTMLSelectElement);
  readonly #amount = element("share-amount", HTMLInputElement);
  #shown = "";

  constructor(chosen: (share: GpuShare | undefined) => void) {
    this.#policy.replaceChildren(
      new Option("as its profile says", OF_PROFILE),
      ...CHOICES.map(({ policy, title }) => new Option(title, policy)),
    );
    this.#policy.addEventListener("change", () => {
      this.#ask();
      const usual = this.#choice?.amount?.usual;
      if (usual !== undefined) this.#amount.value = String(usual);
    });
    element("share-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const choice = this.#choice;
      chosen(choice && shareOf(choice.policy, this.#amount.valueAsNumber));
    });
  }

  show({ share, shareAssigned }: SessionReport, isNew: boolean): void {
    const shown = JSON.stringify([share, shareAssigned]);
    if (!isNew && shown === this.#shown) return;
    this.#shown = shown;
    this.#policy.value = shareAssigned ? share.policy : OF_PROFILE;
    this.#ask();
    const amount = amountOf(share);
    if (amount !== undefined) this.#amount.value = String(amount);
  }

  /** Undefined: the profile's own. */
  get #choice(): Choice | undefined {
    return CHOICES.find(({ policy }) => policy === this.#policy.value);
  }

  /** Shows the field of the choice's amount, or none. */
  #ask(): void {
    const amount = this.#choice?.amount;
    this.#amount.hidden = amount === undefined;
    this.#amount.disabled = amount === undefined; // Else the browser wants it filled in.
    if (amount === undefined) return;
    this.#amount.ariaLabel = amount.label;
    this.#amount.min = String(amount.least);
    this.#amount.max = String(amount.most);
  }
}

function shareOf(policy: Policy, amount: number): GpuShare {
  switch (policy) {
    case "best-effort":
      return { policy };
    case "equal-share":
      return { policy, weight: amount };
    case "fixed-share":
      return { policy, percent: amount };
    case "target-frame-rate":
      return { policy, frameRate: amount };
    default:
      return assertNever(policy);
  }
}

function amountOf(share: GpuShare): number | undefined {
  switch (share.policy) {
    case "best-effort":
      return undefined;
    case "equal-share":
      return share.weight;
    case "fixed-share":
      return share.percent;
    case "target-frame-rate":
      return share.frameRate;
    default:
      return assertNever(share);
  }
}
