import { Element } from "happy-dom";
import { dispatchTrusted, type Stage } from "./page-events.ts";

/**
 * Which element takes the events of a pointer whatever it is over. As the Pointer Events
 * specification has it, a wish takes effect before the pointer's next event.
 */
export class PointerCaptures {
  readonly #window: Stage["window"];
  readonly #wanted = new Map<number, Element>();
  readonly #current = new Map<number, Element>();

  constructor(window: Stage["window"]) {
    this.#window = window;
  }

  of(pointerId: number): Element | undefined {
    return this.#current.get(pointerId);
  }

  set(pointerId: number, element: Element): void {
    this.#wanted.set(pointerId, element);
  }

  release(pointerId: number): void {
    this.#wanted.delete(pointerId);
  }

  /** Makes the last wish true and tells the elements concerned. */
  settle(pointerId: number): void {
    const wanted = this.#wanted.get(pointerId);
    const current = this.#current.get(pointerId);
    if (wanted === current) return;
    if (current !== undefined) {
      this.#current.delete(pointerId);
      this.#tell(current, "lostpointercapture", pointerId);
    }
    if (wanted !== undefined) {
      this.#current.set(pointerId, wanted);
      this.#tell(wanted, "gotpointercapture", pointerId);
    }
  }

  /** Gives elements their setPointerCapture, releasePointerCapture and hasPointerCapture. */
  install(): void {
    const set = (pointerId: number, element: Element): void => this.set(pointerId, element);
    const release = (pointerId: number, element: Element): void => {
      if (this.#wanted.get(pointerId) === element) this.release(pointerId);
    };
    const has = (pointerId: number, element: Element): boolean =>
      this.#wanted.get(pointerId) === element;
    Object.defineProperties(Element.prototype, {
      setPointerCapture: {
        configurable: true,
        value(this: Element, pointerId: number) {
          set(pointerId, this);
        },
      },
      releasePointerCapture: {
        configurable: true,
        value(this: Element, pointerId: number) {
          release(pointerId, this);
        },
      },
      hasPointerCapture: {
        configurable: true,
        value(this: Element, pointerId: number) {
          return has(pointerId, this);
        },
      },
    });
  }

  #tell(element: Element, type: string, pointerId: number): void {
    const { PointerEvent } = this.#window;
    dispatchTrusted(element, new PointerEvent(type, { bubbles: true, composed: true, pointerId }));
  }
}
