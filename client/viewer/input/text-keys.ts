import { type KeyInput, Modifier } from "#shared/input/events.ts";
import type { KeyPress } from "./key-filter.ts";

// Text that no single key makes: of an input method, a dead key, a screen keyboard. No DOM here.

/** Characters of one text. Bounds for how long a clipboard that was pasted by mistake goes on typing: 16 s. */
export const MAX_TEXT_CHARACTERS = 4096;

/** Whether the key pastes the operator's own clipboard into a field that makes text of keys. */
export function pastes({ type, code, ctrlKey, altKey, metaKey }: KeyPress): boolean {
  return type === "keydown" && code === "KeyV" && ctrlKey !== metaKey && !altKey;
}

/** Whether a field makes text of the key: such a key is not the guest's, the text is. */
export function makesText({ key, isComposing, ctrlKey, altKey, metaKey }: KeyPress): boolean {
  if (isComposing || key === "Process" || key === "Dead" || key === "Unidentified") return true;
  if (Array.from(key).length !== 1 || ctrlKey || metaKey) return false;
  // A Mac's Option makes characters; with a plain letter or digit, Alt is a shortcut of the guest's.
  return !altKey || !/^[a-z0-9]$/i.test(key);
}

/** Each character as a key that is pressed and released. */
export function keysOfText(text: string): readonly KeyInput[] {
  const characters = Array.from(text.normalize("NFC").replaceAll("\r\n", "\n"));
  return characters.slice(0, MAX_TEXT_CHARACTERS).flatMap((character) => {
    const key = NAMES[character] ?? character;
    const modifiers = /^[A-Z]$/.test(character) ? Modifier.shift : 0;
    return pressOf(codeOf(character), key, modifiers);
  });
}

export function pressOf(code: string, key: string, modifiers = 0): readonly KeyInput[] {
  const of = (type: KeyInput["type"]): KeyInput => ({ type, code, key, repeat: false, modifiers });
  return [of("keydown"), of("keyup")];
}

const NAMES: Readonly<Record<string, string>> = { "\n": "Enter", "\t": "Tab" };
const CODES: Readonly<Record<string, string>> = { ...NAMES, " ": "Space" };

/** Where programs that read places rather than letters expect the character; empty: nowhere. */
function codeOf(character: string): string {
  if (/^[a-z]$/i.test(character)) return `Key${character.toUpperCase()}`;
  if (/^\d$/.test(character)) return `Digit${character}`;
  return CODES[character] ?? "";
}
