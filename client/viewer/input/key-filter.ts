import { MAX_KEY_TEXT_BYTES } from "#shared/input/codec.ts";
import type { KeyInput } from "#shared/input/events.ts";
import { modifierBits, type ModifierKeys } from "./modifiers.ts";

// Which keys go to the guest, which stay here, and which keys the guest believes held. No DOM here.

export type KeyPress = ModifierKeys & {
  readonly type: string;
  readonly code: string;
  readonly key: string;
  readonly repeat: boolean;
  readonly isComposing: boolean;
};

/** What the page itself does on Control, Alt, Shift and a letter. */
export type Shortcut = "statistics" | "full-screen" | "text" | "toolbar";

const SHORTCUTS: Readonly<Record<string, Shortcut>> = {
  KeyS: "statistics",
  KeyF: "full-screen",
  KeyK: "text",
  KeyM: "toolbar",
};

/** The browser's own full screen: an operator must be able to leave it in every state of the page. */
const LEFT_TO_BROWSER: ReadonlySet<string> = new Set(["F11"]);

/** With these a browser does what no page is asked about: Control and W closes the tab. */
const BROWSER_CODES = ["ControlLeft", "ControlRight", "MetaLeft", "MetaRight"] as const;

const MODIFIER_CODES: ReadonlySet<string> = new Set(
  ["Shift", "Control", "Alt", "Meta"].flatMap((name) => [`${name}Left`, `${name}Right`]),
);

const ALT_GR = "AltGraph";

/** By a modifier's key, whether an event says that it is held. None does so of AltGr in its bits. */
const HELD_IN: Readonly<Record<string, (keys: ModifierKeys) => boolean>> = {
  Shift: ({ shiftKey }) => shiftKey,
  Control: ({ ctrlKey }) => ctrlKey,
  Alt: ({ altKey }) => altKey,
  Meta: ({ metaKey }) => metaKey,
};

export type KeyDecision = {
  /** The browser's own action for the key is to be prevented. */
  readonly prevent: boolean;
  /** What the guest is told, in this order. */
  readonly send: readonly KeyInput[];
};

const LEFT_ALONE: KeyDecision = { prevent: false, send: [] };
const SWALLOWED: KeyDecision = { prevent: true, send: [] };

/** The page's own shortcut in a key press; with AltGr or Command held it is the guest's. */
export function shortcutOf(press: KeyPress): Shortcut | undefined {
  const held = press.ctrlKey && press.altKey && press.shiftKey && !press.metaKey;
  return held && press.type === "keydown" ? SHORTCUTS[press.code] : undefined;
}

export class KeyFilter {
  /** Code to key of what the guest believes held. */
  readonly #held = new Map<string, string>();

  /** The guest is in the middle of a shortcut that may be one of the browser's, too. */
  get holdsShortcut(): boolean {
    return BROWSER_CODES.some((code) => this.#held.has(code));
  }

  decide(press: KeyPress): KeyDecision {
    if (LEFT_TO_BROWSER.has(press.code)) return LEFT_ALONE;
    // While an input method composes, keys are its own; it has no field here to put text in.
    if (press.isComposing || press.key === "Process") return LEFT_ALONE;
    return press.type === "keydown" ? this.#down(press) : this.#up(press);
  }

  /** The guest was told to let go of everything. */
  releaseAll(): void {
    this.#held.clear();
  }

  #down(press: KeyPress): KeyDecision {
    if (!fits(press)) return SWALLOWED;
    const send = this.#lettingGo(press);
    // A browser that takes the keyboard back repeats keys that the guest was told to let go of.
    const repeat = press.repeat && this.#held.has(press.code);
    this.#held.set(press.code, press.key);
    // The bits of a press of AltGr name Control and Alt on Windows; the guest has it as a key of its own.
    const modifiers = press.key === ALT_GR ? { ...press, ctrlKey: false, altKey: false } : press;
    send.push(keyInput("keydown", press.code, press.key, repeat, modifiers));
    return { prevent: true, send };
  }

  /** Modifiers that the guest believes held, and that are not. */
  #lettingGo(press: KeyPress): KeyInput[] {
    const stale = (code: string, key: string): boolean => {
      if (code === press.code) return false;
      // Windows makes AltGr of a Control that nobody pressed, and the right Alt.
      if (press.key === ALT_GR) return code === "ControlLeft";
      // The system may have taken the release: a screenshot's keys, a switch of desktops. Where keys are
      // remapped, place and key name different modifiers, and one of them is held.
      const isHeld = [key, code.replace(/Left|Right/, "")].map((name) => HELD_IN[name]?.(press));
      return key !== ALT_GR && !isHeld.includes(true);
    };
    const send: KeyInput[] = [];
    for (const [code, key] of this.#held) {
      if (!MODIFIER_CODES.has(code) || !stale(code, key)) continue;
      this.#held.delete(code);
      send.push(keyInput("keyup", code, key, false, press));
    }
    return send;
  }

  #up(press: KeyPress): KeyDecision {
    if (!this.#held.delete(press.code)) return SWALLOWED;
    const send = [keyInput("keyup", press.code, press.key, false, press)];
    if (press.key === "Meta") {
      // macOS tells of no release of a key that was held together with Command.
      for (const [code, key] of this.#held) {
        if (MODIFIER_CODES.has(code)) continue;
        this.#held.delete(code);
        send.push(keyInput("keyup", code, key, false, press));
      }
    }
    return { prevent: true, send };
  }
}

function keyInput(
  type: KeyInput["type"],
  code: string,
  key: string,
  repeat: boolean,
  modifiers: ModifierKeys,
): KeyInput {
  return { type, code, key, repeat, modifiers: modifierBits(modifiers) };
}

/** A UTF-16 unit takes at most three bytes, so that this errs on the short side only. */
function fits(press: KeyPress): boolean {
  const most = Math.floor(MAX_KEY_TEXT_BYTES / 3);
  return press.code !== "" && press.code.length <= most && press.key.length <= most;
}
