import type { InputEvent } from "#shared/input/events.ts";
import { KeyFilter, type Shortcut, shortcutOf } from "./key-filter.ts";
import { makesText } from "./text-keys.ts";

export type KeyboardUse = {
  readonly send: (event: InputEvent) => void;
  /** Who only views keeps the browser's own keys. */
  readonly isGuests: () => boolean;
  /** A field within the stage makes text of keys. */
  readonly writesText: () => boolean;
  readonly shortcut: (shortcut: Shortcut) => void;
};

/**
 * The keyboard, while the stage has the focus; the page's own shortcuts, always. When the keyboard
 * goes elsewhere, the guest is told to let go of all keys and buttons.
 */
export function listenToKeyboard(
  stage: HTMLElement,
  { send, isGuests, writesText, shortcut }: KeyboardUse,
): void {
  const filter = new KeyFilter();
  const { defaultView: window } = stage.ownerDocument;

  const onKey = (event: KeyboardEvent): void => {
    const wanted = shortcutOf(event);
    if (wanted !== undefined) {
      event.preventDefault();
      if (!event.repeat) shortcut(wanted);
      return;
    }
    if (!stage.contains(stage.ownerDocument.activeElement) || !isGuests()) return;
    if (writesText() && makesText(event)) return;
    const decision = filter.decide(event);
    if (decision.prevent) event.preventDefault();
    for (const key of decision.send) send(key);
  };
  const letGo = (): void => {
    filter.releaseAll();
    send({ type: "blur" });
  };

  window?.addEventListener("keydown", onKey);
  window?.addEventListener("keyup", onKey);
  stage.addEventListener("focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && stage.contains(relatedTarget))) letGo();
  });
  // Who closes a window of the guest's by Control and W would close the tab, too.
  window?.addEventListener("beforeunload", (event) => {
    if (isGuests() && filter.holdsShortcut) event.preventDefault();
  });
  stage.ownerDocument.addEventListener("visibilitychange", () => {
    if (stage.ownerDocument.visibilityState === "hidden") letGo();
  });
}
