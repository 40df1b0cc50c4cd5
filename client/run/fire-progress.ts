import { type EventTarget, ProgressEvent } from "happy-dom";

/** Tells of a reading whose size is known only once it is there: https://xhr.spec.whatwg.org/#concept-event-fire-progress. */
export function fireProgress(
  target: Pick<EventTarget, "dispatchEvent">,
  type: string,
  loaded = 0,
): void {
  target.dispatchEvent(
    new ProgressEvent(type, { lengthComputable: loaded > 0, loaded, total: loaded }),
  );
}
