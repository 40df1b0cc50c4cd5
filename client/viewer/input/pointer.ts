import type { InputEvent, PointerInput } from "#shared/input/events.ts";
import { isInside, type Point, type Rectangle, toPicture } from "../geometry.ts";
import { LatestMoves } from "./latest-moves.ts";
import { modifierBits } from "./modifiers.ts";
import { wheelPixels } from "./wheel-travel.ts";

const MAX_BUTTON = 15;

/** What a browser answers itself: by a menu, scrolling, going back, zooming (Safari), opening a dropped file. */
const BROWSERS_OWN = [
  "contextmenu",
  "mousedown",
  "mouseup",
  "auxclick",
  "dragstart",
  "dragover",
  "drop",
  "gesturestart",
  "gesturechange",
] as const;

/**
 * Mouse, pen, touch and wheel on the stage. A press outside of the picture is nobody's; a drag that
 * began on the picture stays the guest's wherever it goes. `placed` tells where the picture stands on the stage now.
 */
export function listenToPointer(
  stage: HTMLElement,
  placed: () => Rectangle,
  send: (event: InputEvent) => void,
): void {
  const moves = new LatestMoves(send, (callback) => requestAnimationFrame(callback));
  const dragging = new Set<number>();

  const onStage = (event: MouseEvent): Point => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const input = (event: PointerEvent, type: PointerInput["type"]): PointerInput => ({
    type,
    ...toPicture(onStage(event), placed()),
    button: Math.min(event.button, MAX_BUTTON),
    buttons: event.buttons & 0xffff,
    modifiers: modifierBits(event),
    pointerId: event.pointerId | 0,
    pointerType: pointerType(event.pointerType),
  });

  stage.addEventListener("pointerdown", (event) => {
    stage.focus({ preventScroll: true });
    if (!isInside(onStage(event), placed())) return;
    stage.setPointerCapture(event.pointerId);
    dragging.add(event.pointerId);
    moves.drop(event.pointerId);
    send(input(event, "pointerdown"));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!dragging.has(event.pointerId) && !isInside(onStage(event), placed())) return;
    const move = input(event, "pointermove");
    // Pressing a second button while a first is down is a move that names the button.
    if (move.button === -1) moves.offer(move);
    else {
      moves.drop(move.pointerId);
      send(move);
    }
  });
  for (const type of ["pointerup", "pointercancel"] as const) {
    stage.addEventListener(type, (event) => {
      if (!dragging.delete(event.pointerId)) return;
      moves.drop(event.pointerId);
      send(input(event, type));
    });
  }
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const point = onStage(event);
      if (!isInside(point, placed())) return;
      send({
        type: "wheel",
        ...toPicture(point, placed()),
        ...wheelPixels(event, placed()),
        modifiers: modifierBits(event),
      });
    },
    { passive: false },
  );

  for (const type of BROWSERS_OWN) {
    stage.addEventListener(type, (event) => event.preventDefault());
  }
}

function pointerType(type: string): PointerInput["pointerType"] {
  return type === "pen" || type === "touch" ? type : "mouse";
}
