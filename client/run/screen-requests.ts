import type { GlobalWindow } from "happy-dom";
import { define } from "./define.ts";
import { dispatchTrusted } from "./page-events.ts";

/**
 * Requests of the operator's screen that a page may make and that are turned down here as a browser turns them down:
 * https://w3c.github.io/pointerlock/ and https://fullscreen.spec.whatwg.org/.
 */
export function installScreenRequests(window: GlobalWindow): void {
  const { document } = window;

  function refuse(target: EventTarget, event: string, error: Error): Promise<void> {
    setImmediate(() => dispatchTrusted(target, new window.Event(event, { bubbles: true })));
    const refusal = Promise.reject(error);
    // Who does not look at the promise hears of it by the event, and does not end of it.
    refusal.catch(() => {});
    return refusal;
  }

  define(window.Element.prototype, {
    requestPointerLock(this: EventTarget) {
      const reason = "The operator's pointer is not locked: it is in another machine's browser.";
      return refuse(document, "pointerlockerror", new DOMException(reason, "NotSupportedError"));
    },
    requestFullscreen(this: EventTarget) {
      const reason = "The picture is made full screen by its operator, in the viewer.";
      return refuse(this, "fullscreenerror", new TypeError(reason));
    },
  });
  define(document, {
    pointerLockElement: null,
    fullscreenElement: null,
    fullscreenEnabled: false,
    exitPointerLock() {},
    async exitFullscreen() {
      throw new TypeError("Nothing is full screen.");
    },
  });
}

type EventTarget = Parameters<typeof dispatchTrusted>[0];
