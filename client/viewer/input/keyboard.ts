import type { InputEvent } from "#shared/input/events.ts";
import { KeyFilter, type Shortcut, shortcutOf } from "./key-filter.ts";

export type KeyboardUse = {
  readonly send: (event: InputEvent) => void;
  /** Who only views keeps the browser's own keys. */
  readonly isGuests: () => boolean;
  readonly shortcut: (shortcut: Shortcut) => void;
};

/**
 * The keyboard, while the stage has the focus; the page's own shortcuts, always. When the keyboard
 * goes elsewhere, the guest is told to let go of all keys and buttons.
 */
export function listenToKeyboard(
  stage: HTMLElement,
  { send, isGuests, shortcut }: KeyboardUse,
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
    if (stage.ownerDocument.activeElement !== stage || !isGuests()) return;
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
  stage.addEventListener("blur", letGo);
  stage.ownerDocument.addEventListener("visibilitychange", () => {
    if (stage.ownerDocument.visibilityState === "hidden") letGo();
  });
}
