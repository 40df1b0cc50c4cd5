import { element } from "#client/viewer/view/element.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { SHARE_LIMITS } from "#shared/admin/share-limits.ts";
import { assertNever } from "#shared/base/assert.ts";

type Policy = GpuShare["policy"];
type Amount = {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly usual: number;
};

const POLICIES: readonly { readonly policy: Policy; readonly title: string }[] = [
  { policy: "equal-share", title: "equal share" },
  { policy: "fixed-share", title: "fixed share" },
  { policy: "target-frame-rate", title: "target frame rate" },
  { policy: "best-effort", title: "best effort" },
];

/** What is given with a policy; a best effort needs nothing. */
const AMOUNTS: Readonly<Record<Policy, Amount | undefined>> = {
  "equal-share": { label: "weight", ...SHARE_LIMITS.weight, usual: 1 },
  "fixed-share": { label: "percent", ...SHARE_LIMITS.percent, usual: 25 },
  "target-frame-rate": { label: "frames/s", ...SHARE_LIMITS.frameRate, usual: 30 },
  "best-effort": undefined,
};

/** The choice of the profile's own share: no policy has an empty name. */
const OF_PROFILE = "";

/** Chooses a session's part of the GPU. What a person has chosen and not yet applied stays chosen. */
export class ShareForm {
  readonly #policy = element("share-policy", HTMLSelectElement);
  readonly #label = element("share-amount-label", HTMLElement);
  readonly #amount = element("share-amount", HTMLInputElement);
  #shown = "";

  constructor(chosen: (share: GpuShare | undefined) => void) {
    this.#policy.replaceChildren(
      new Option("as its profile says", OF_PROFILE),
      ...POLICIES.map(({ policy, title }) => new Option(title, policy)),
    );
    this.#policy.addEventListener("change", () => {
      const amount = this.#ask();
      if (amount !== undefined) this.#amount.value = String(amount.usual);
    });
    element("share-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const policy = this.#chosenPolicy;
      chosen(policy && shareOf(policy, this.#amount.valueAsNumber));
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

  get #chosenPolicy(): Policy | undefined {
    return POLICIES.find(({ policy }) => policy === this.#policy.value)?.policy;
  }

  /** Shows the field of the chosen policy's amount, or none. */
  #ask(): Amount | undefined {
    const policy = this.#chosenPolicy;
    const amount = policy && AMOUNTS[policy];
    const isAsked = amount !== undefined;
    this.#label.hidden = !isAsked;
    this.#amount.hidden = !isAsked;
    this.#amount.disabled = !isAsked; // Else the browser wants it filled in.
    if (isAsked) {
      this.#label.textContent = amount.label;
      this.#amount.min = String(amount.least);
      this.#amount.max = String(amount.most);
    }
    return amount;
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
