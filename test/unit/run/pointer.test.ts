import { beforeEach, describe, expect, test } from "vitest";
import { installTestPage, mouse } from "./page.ts";

const page = installTestPage();
const { document, PointerEvent } = page.dom.window;
let canvas = page.showCanvas();

const TYPES = [
  "pointerover",
  "pointerdown",
  "pointermove",
  "pointerup",
  "pointercancel",
  "gotpointercapture",
  "lostpointercapture",
  "mousedown",
  "mousemove",
  "mouseup",
  "click",
  "auxclick",
  "dblclick",
  "contextmenu",
  "wheel",
] as const;

type PageElement = ReturnType<typeof document.createElement>;
type Seen = InstanceType<typeof page.dom.window.Event>;

/** Records what arrives at an element. */
function record(element: PageElement = canvas) {
  const types: string[] = [];
  const events: Seen[] = [];
  for (const type of TYPES) {
    element.addEventListener(type, (event) => {
      types.push(type);
      events.push(event);
    });
  }
  return { types, events };
}

/** One of several fingers going down. */
function finger(pointerId: number) {
  return { ...mouse("pointerdown", [0.1, 0.1]), pointerType: "touch", pointerId } as const;
}

beforeEach(() => {
  canvas.remove();
  canvas = page.showCanvas();
  page.dom.input(mouse("pointermove", [0.5, 0.5]));
});

describe("what a browser fires, in its order", () => {
  test.for([
    { what: "a move", input: [mouse("pointermove", [0.1, 0.1])], fires: "pointermove mousemove" },
    {
      what: "a click",
      input: [mouse("pointerdown", [0.1, 0.1]), mouse("pointerup", [0.1, 0.1])],
      fires: "pointerdown mousedown pointerup mouseup click",
    },
    {
      what: "a right click",
      input: [
        mouse("pointerdown", [0.2, 0.1], { button: 2, buttons: 2 }),
        mouse("pointerup", [0.2, 0.1], { button: 2 }),
      ],
      fires: "pointerdown mousedown contextmenu pointerup mouseup auxclick",
    },
    {
      what: "a second button held with the first",
      input: [
        mouse("pointerdown", [0.3, 0.1]),
        mouse("pointerdown", [0.3, 0.1], { button: 2, buttons: 3 }),
        mouse("pointerup", [0.3, 0.1], { button: 2, buttons: 1 }),
        mouse("pointerup", [0.3, 0.1]),
      ],
      fires:
        "pointerdown mousedown pointermove mousedown contextmenu pointermove mouseup auxclick pointerup mouseup click",
    },
    {
      what: "a double click",
      input: [
        mouse("pointerdown", [0.4, 0.1]),
        mouse("pointerup", [0.4, 0.1]),
        mouse("pointerdown", [0.4, 0.1]),
        mouse("pointerup", [0.4, 0.1]),
      ],
      fires:
        "pointerdown mousedown pointerup mouseup click pointerdown mousedown pointerup mouseup click dblclick",
    },
    {
      what: "a late move of before a press, and one of during it",
      input: [
        mouse("pointerdown", [0.9, 0.1]),
        mouse("pointermove", [0.9, 0.1], { buttons: 0 }),
        mouse("pointerup", [0.9, 0.1]),
        mouse("pointermove", [0.9, 0.1], { buttons: 1 }),
      ],
      fires:
        "pointerdown mousedown pointermove mousemove pointerup mouseup click pointermove mousemove",
    },
    {
      what: "two clicks far apart",
      input: [
        mouse("pointerdown", [0.5, 0.1]),
        mouse("pointerup", [0.5, 0.1]),
        mouse("pointerdown", [0.6, 0.1]),
        mouse("pointerup", [0.6, 0.1]),
      ],
      fires:
        "pointerdown mousedown pointerup mouseup click pointerdown mousedown pointerup mouseup click",
    },
    {
      what: "a press that is cancelled",
      input: [mouse("pointerdown", [0.7, 0.1]), mouse("pointercancel", [0.7, 0.1])],
      fires: "pointerdown mousedown pointercancel",
    },
    {
      what: "a press during which the operator leaves",
      input: [mouse("pointerdown", [0.8, 0.1]), { type: "blur" } as const],
      fires: "pointerdown mousedown pointerup mouseup",
    },
  ])("$what", ({ input, fires }) => {
    const { types } = record();
    for (const event of input) page.dom.input(event);
    expect(types.join(" ")).toBe(fires);
  });

  test("no mouse events follow a pointerdown that the program cancels", () => {
    const { types } = record();
    canvas.addEventListener("pointerdown", (event) => event.preventDefault(), { once: true });
    page.dom.input(mouse("pointerdown", [0.1, 0.1]));
    page.dom.input(mouse("pointerup", [0.1, 0.1]));
    page.dom.input(mouse("pointermove", [0.2, 0.1]));
    expect(types.join(" ")).toBe("pointerdown pointerup pointermove mousemove");
  });
});

test("an event carries its place in CSS pixels, its movement, buttons and pointer", () => {
  const { events } = record();
  page.dom.input(mouse("pointerdown", [0.25, 0.5]));
  page.dom.input({ ...mouse("pointermove", [0.5, 0.25], { buttons: 1 }), modifiers: 3 });
  page.dom.input(mouse("pointerup", [0.5, 0.25]));
  const place = { clientX: 400, clientY: 150, pageX: 400, pageY: 150, offsetX: 400, offsetY: 150 };
  const pointers = events.filter((event) => event.type === "pointermove");
  expect(pointers.at(-1)).toMatchObject({
    ...place,
    movementX: 200,
    movementY: -150,
    button: -1,
    buttons: 1,
    pointerId: 1,
    pointerType: "mouse",
    isPrimary: true,
    shiftKey: true,
    ctrlKey: true,
    altKey: false,
    bubbles: true,
    cancelable: true,
    isTrusted: true,
  });
});

test("events bubble from the canvas over document to window", () => {
  const heard: string[] = [];
  document.addEventListener("pointerdown", () => heard.push("document"), { once: true });
  page.dom.window.addEventListener("pointerdown", () => heard.push("window"), { once: true });
  canvas.addEventListener("pointerdown", ({ target }) => {
    heard.push(target === canvas ? "canvas" : "another");
  });
  page.dom.input(mouse("pointerdown", [0.1, 0.1]));
  page.dom.input(mouse("pointerup", [0.1, 0.1]));
  expect(heard).toEqual(["canvas", "document", "window"]);
});

test("the wheel turns at the canvas with its place and modifiers", () => {
  const { events } = record();
  page.dom.input({ type: "wheel", x: 0.5, y: 0.5, deltaX: 1, deltaY: -120, modifiers: 2 });
  expect(events.at(-1)).toMatchObject({
    type: "wheel",
    deltaX: 1,
    deltaY: -120,
    deltaMode: 0,
    clientX: 400,
    clientY: 300,
    ctrlKey: true,
  });
});

test("an element that captured the pointer gets its events until the button is up", () => {
  const other = document.createElement("div");
  document.body.append(other);
  const { types } = record();
  const captured = record(other);
  canvas.addEventListener("pointerdown", () => other.setPointerCapture(1), { once: true });
  page.dom.input(mouse("pointerdown", [0.1, 0.1]));
  expect(other.hasPointerCapture(1)).toBe(true);
  page.dom.input(mouse("pointermove", [0.2, 0.1], { buttons: 1 }));
  page.dom.input(mouse("pointerup", [0.2, 0.1]));
  expect(other.hasPointerCapture(1)).toBe(false);
  page.dom.input(mouse("pointermove", [0.3, 0.1]));
  expect(captured.types.join(" ")).toBe(
    "gotpointercapture pointerover pointermove mousemove pointerup mouseup lostpointercapture",
  );
  expect(types.join(" ")).toBe("pointerdown mousedown pointerover pointermove mousemove");
  other.remove();
});

test("two fingers are two pointers, of which the first is the primary one", () => {
  const { events } = record();
  page.dom.input(finger(7));
  page.dom.input(finger(8));
  const downs = events.filter((event) => event.type === "pointerdown");
  expect(downs.every((event) => event instanceof PointerEvent)).toBe(true);
  expect(downs).toMatchObject([
    { pointerId: 7, isPrimary: true, pointerType: "touch" },
    { pointerId: 8, isPrimary: false, pointerType: "touch" },
  ]);
});
