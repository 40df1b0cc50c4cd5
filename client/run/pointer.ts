import type { PointerInput, WheelInput } from "#shared/input/events.ts";
import {
  dispatchTrusted,
  modifierKeys,
  type Point,
  pointOn,
  positionMembers,
  type Stage,
} from "./page-events.ts";
import type { PointerCaptures } from "./pointer-capture.ts";

type Element = ReturnType<Stage["target"]>;

type Pointer = {
  readonly isTouch: boolean;
  /** Absent before the first event. */
  point: Point | undefined;
  buttons: number;
  over: Element | undefined;
  /** Where each held mouse button went down: a click needs the same element at both ends. */
  readonly downAt: Map<number, Element>;
  /** The program cancelled pointerdown: no mouse events until all buttons are up. */
  mouseSuppressed: boolean;
};

/** A press this soon and this near after another one of the same button counts as its second click. */
const DOUBLE_CLICK_MS = 500;
const DOUBLE_CLICK_PIXELS = 4;

/** Which bit of `buttons` a `button` is (UI Events orders them differently). */
const BUTTON_BITS = [1, 4, 2, 8, 16, 32] as const;

/** Turns the operator's pointer and wheel into the DOM events that a browser makes of them. */
export class PointerDispatcher {
  readonly #stage: Stage;
  readonly #captures: PointerCaptures;
  readonly #pointers = new Map<number, Pointer>();
  #lastPress: { button: number; at: number; point: Point; count: number } | undefined;

  constructor(stage: Stage, captures: PointerCaptures) {
    this.#stage = stage;
    this.#captures = captures;
  }

  dispatch(event: PointerInput): void {
    const pointer = this.#pointer(event);
    const before = pointer.buttons;
    const input = isPlainMove(event) ? { ...event, buttons: before } : event;
    const point = pointOn(this.#stage, input.x, input.y);
    this.#captures.settle(input.pointerId);
    const target = this.#captures.of(input.pointerId) ?? this.#stage.target();
    const move = new Move(input, point, pointer.point ?? point);
    this.#enter(pointer, target, move);
    pointer.point = point;
    pointer.buttons = input.buttons;
    switch (input.type) {
      case "pointerdown":
      case "pointerup":
      case "pointermove":
        this.#moveOrPress(pointer, target, move, before);
        break;
      case "pointercancel":
        pointer.buttons = 0;
        this.#fire(target, "pointercancel", move);
        this.#end(pointer, move);
        break;
    }
  }

  wheel(input: WheelInput): void {
    const { WheelEvent } = this.#stage.window;
    const event = new WheelEvent("wheel", {
      bubbles: true,
      cancelable: true,
      composed: true,
      deltaX: input.deltaX,
      deltaY: input.deltaY,
      deltaMode: 0,
    });
    const point = pointOn(this.#stage, input.x, input.y);
    dispatchTrusted(this.#stage.target(), event, {
      ...modifierKeys(input.modifiers),
      ...positionMembers(point, input.modifiers),
      button: 0,
      buttons: 0,
      view: this.#stage.window,
    });
  }

  /** The operator is gone: every held button is let go, without a click. */
  release(): void {
    for (const [pointerId, pointer] of this.#pointers) {
      if (pointer.buttons === 0) continue;
      const size = this.#stage.sizeOf(this.#stage.target());
      const point = pointer.point ?? { x: 0, y: 0 };
      pointer.downAt.clear();
      this.dispatch({
        type: "pointerup",
        x: size.width > 0 ? point.x / size.width : 0,
        y: size.height > 0 ? point.y / size.height : 0,
        button: BUTTON_BITS.findIndex((bit) => (pointer.buttons & bit) !== 0),
        buttons: 0,
        modifiers: 0,
        pointerId,
        pointerType: "mouse",
      });
    }
  }

  /** Pointer Events: only the first button down and the last one up are pointerdown and pointerup. */
  #moveOrPress(pointer: Pointer, target: Element, move: Move, before: number): void {
    const now = pointer.buttons;
    if (before === 0 && now !== 0) {
      if (move.input.pointerType === "touch") this.#captures.set(move.input.pointerId, target);
      pointer.mouseSuppressed = !this.#fire(target, "pointerdown", move);
    } else if (before !== 0 && now === 0) {
      this.#fire(target, "pointerup", move);
    } else {
      this.#fire(target, "pointermove", move);
    }
    if (!pointer.mouseSuppressed) this.#mouse(pointer, target, move, before);
    if (before !== 0 && now === 0) this.#end(pointer, move);
  }

  #mouse(pointer: Pointer, target: Element, move: Move, before: number): void {
    const now = pointer.buttons;
    if (before === now) {
      this.#fireMouse(target, "mousemove", move);
      return;
    }
    for (const [button, bit] of BUTTON_BITS.entries()) {
      if ((now & bit) !== 0 && (before & bit) === 0) this.#press(pointer, target, move, button);
      if ((now & bit) === 0 && (before & bit) !== 0) this.#lift(pointer, target, move, button);
    }
  }

  #press(pointer: Pointer, target: Element, move: Move, button: number): void {
    const last = this.#lastPress;
    const at = performance.now();
    const isRepeat =
      last?.button === button &&
      at - last.at < DOUBLE_CLICK_MS &&
      Math.hypot(move.point.x - last.point.x, move.point.y - last.point.y) < DOUBLE_CLICK_PIXELS;
    const count = isRepeat ? last.count + 1 : 1;
    this.#lastPress = { button, at, point: move.point, count };
    pointer.downAt.set(button, target);
    const goesOn = this.#fireMouse(target, "mousedown", move, { button, detail: count });
    if (goesOn) this.#focus(target);
    if (button === 2) this.#fireMouse(target, "contextmenu", move, { button });
  }

  #lift(pointer: Pointer, target: Element, move: Move, button: number): void {
    const detail = this.#lastPress?.button === button ? this.#lastPress.count : 1;
    this.#fireMouse(target, "mouseup", move, { button, detail });
    const downAt = pointer.downAt.get(button);
    pointer.downAt.delete(button);
    if (downAt !== target) return;
    this.#fireMouse(target, button === 0 ? "click" : "auxclick", move, { button, detail });
    if (button === 0 && detail === 2) this.#fireMouse(target, "dblclick", move, { button, detail });
  }

  #focus(target: Element): void {
    const focusable = target.closest("[tabindex], a[href], button, input, select, textarea");
    const { HTMLElement, document } = this.#stage.window;
    if (focusable instanceof HTMLElement) focusable.focus();
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  #end(pointer: Pointer, { input }: Move): void {
    pointer.mouseSuppressed = false;
    pointer.downAt.clear();
    this.#captures.release(input.pointerId);
    this.#captures.settle(input.pointerId);
    if (input.pointerType === "touch") this.#pointers.delete(input.pointerId);
  }

  #enter(pointer: Pointer, target: Element, move: Move): void {
    const left = pointer.over;
    if (left === target) return;
    pointer.over = target;
    const fire = (element: Element, type: string): void => {
      this.#fire(element, `pointer${type}`, move);
      this.#fireMouse(element, `mouse${type}`, move);
    };
    if (left !== undefined) {
      fire(left, "out");
      for (const element of ancestors(left)) if (!element.contains(target)) fire(element, "leave");
    }
    fire(target, "over");
    for (const element of ancestors(target).toReversed()) {
      if (left === undefined || !element.contains(left)) fire(element, "enter");
    }
  }

  #fire(target: Element, type: string, move: Move): boolean {
    const { PointerEvent } = this.#stage.window;
    const { input } = move;
    const event = new PointerEvent(type, {
      ...move.init(type, this.#stage),
      button: isPlainMove(input) ? -1 : input.button,
      pointerId: input.pointerId,
      pointerType: input.pointerType,
      isPrimary: this.#isPrimary(input),
      pressure: input.buttons === 0 ? 0 : 0.5,
    });
    return dispatchTrusted(target, event, positionMembers(move.point, input.modifiers));
  }

  #fireMouse(
    target: Element,
    type: string,
    move: Move,
    { button = 0, detail = 0 }: { button?: number; detail?: number } = {},
  ): boolean {
    // A browser's click, auxclick and contextmenu are pointer events.
    const { MouseEvent, PointerEvent } = this.#stage.window;
    const init = { ...move.init(type, this.#stage), button, detail };
    const { pointerId, pointerType, modifiers } = move.input;
    const event = /^(click|auxclick|contextmenu)$/.test(type)
      ? new PointerEvent(type, { ...init, pointerId, pointerType })
      : new MouseEvent(type, init);
    return dispatchTrusted(target, event, positionMembers(move.point, modifiers));
  }

  #isPrimary({ pointerId, pointerType }: PointerInput): boolean {
    if (pointerType !== "touch") return true;
    const first = [...this.#pointers].find(([, pointer]) => pointer.isTouch);
    return first?.[0] === pointerId;
  }

  #pointer({ pointerId, pointerType }: PointerInput): Pointer {
    let pointer = this.#pointers.get(pointerId);
    if (pointer === undefined) {
      pointer = {
        isTouch: pointerType === "touch",
        point: undefined,
        buttons: 0,
        over: undefined,
        downAt: new Map(),
        mouseSuppressed: false,
      };
      this.#pointers.set(pointerId, pointer);
    }
    return pointer;
  }
}

/**
 * Moves travel unordered beside the presses: one that comes late must not press or lift a button, so
 * its buttons are those that are held now.
 */
function isPlainMove({ type, button }: PointerInput): boolean {
  return type === "pointermove" && button < 0;
}

/** One input event with its place on the page and the place before. */
class Move {
  readonly input: PointerInput;
  readonly point: Point;
  readonly #before: Point;

  constructor(input: PointerInput, point: Point, before: Point) {
    this.input = input;
    this.point = point;
    this.#before = before;
  }

  init(type: string, { window }: Stage) {
    const staysAtTarget = /^(pointer|mouse)(enter|leave)$/.test(type);
    return {
      bubbles: !staysAtTarget,
      cancelable: !staysAtTarget && type !== "pointercancel",
      composed: !staysAtTarget,
      view: window,
      buttons: this.input.buttons,
      clientX: this.point.x,
      clientY: this.point.y,
      movementX: this.point.x - this.#before.x,
      movementY: this.point.y - this.#before.y,
      ...modifierKeys(this.input.modifiers),
    };
  }
}

function ancestors(element: Element): Element[] {
  const found: Element[] = [];
  for (let at: Element | null = element; at !== null; at = at.parentElement) found.push(at);
  return found;
}
