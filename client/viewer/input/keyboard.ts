import { KeyFilter, type Shortcut, shortcutOf } from "./key-filter.ts";
import { makesText, pastes } from "./text-keys.ts";
import type { Typist } from "./typist.ts";

export type KeyboardUse = {
  /** All goes by this, behind the text that is being typed. */
  readonly typist: Typist;
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
  { typist, isGuests, writesText, shortcut }: KeyboardUse,
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
    if (writesText() && pastes(event)) {
      letGo(); // Control is held, and what is typed now is no shortcut.
      return;
    }
    if (writesText() && makesText(event)) return;
    const decision = filter.decide(event);
    if (decision.prevent) event.preventDefault();
    typist.type(decision.send);
  };
  const letGo = (): void => {
    filter.releaseAll();
    typist.type([{ type: "blur" }]);
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
