import { expect, test } from "vitest";
import { installTestPage, mouse } from "./page.ts";

const page = installTestPage();
const { document } = page.dom.window;
const canvas = page.showCanvas();

function key(type: "keydown" | "keyup", code: string, name: string, modifiers = 0) {
  return { type, code, key: name, repeat: false, modifiers } as const;
}

test.for([
  { code: "KeyA", name: "a", keyCode: 65, location: 0 },
  { code: "KeyA", name: "A", keyCode: 65, location: 0 },
  { code: "Digit1", name: "1", keyCode: 49, location: 0 },
  { code: "Space", name: " ", keyCode: 32, location: 0 },
  { code: "ArrowUp", name: "ArrowUp", keyCode: 38, location: 0 },
  { code: "ShiftRight", name: "Shift", keyCode: 16, location: 2 },
  { code: "NumpadEnter", name: "Enter", keyCode: 13, location: 3 },
  { code: "F5", name: "F5", keyCode: 116, location: 0 },
])("$code reaches window as $name", ({ code, name, keyCode, location }) => {
  const heard: unknown[] = [];
  const listen = (event: unknown) => heard.push(event);
  page.dom.window.addEventListener("keydown", listen);
  page.dom.input(key("keydown", code, name, 1));
  page.dom.input(key("keyup", code, name));
  page.dom.window.removeEventListener("keydown", listen);
  expect(heard).toMatchObject([
    { code, key: name, keyCode, location, shiftKey: true, ctrlKey: false, isTrusted: true },
  ]);
});

test("a key goes to the body, and to the canvas once a press has focused it", () => {
  const targets: unknown[] = [];
  const listen = ({ target }: { target: unknown }) => targets.push(target);
  document.addEventListener("keydown", listen);
  page.dom.input(key("keydown", "KeyB", "b"));
  canvas.tabIndex = 0;
  page.dom.input(mouse("pointerdown", [0.1, 0.1]));
  page.dom.input(mouse("pointerup", [0.1, 0.1]));
  page.dom.input(key("keydown", "KeyB", "b"));
  document.removeEventListener("keydown", listen);
  expect(targets[0]).toBe(document.body);
  expect(targets[1]).toBe(canvas);
});

test("when the operator leaves, held keys are let go, then the window loses the focus", () => {
  const heard: string[] = [];
  for (const type of ["keyup", "blur", "focus"] as const) {
    page.dom.window.addEventListener(type, (event) => {
      if (event.target === page.dom.window || type === "keyup") heard.push(type);
    });
  }
  page.dom.input({ type: "blur" });
  page.dom.input(key("keydown", "KeyW", "w"));
  page.dom.input(key("keydown", "ShiftLeft", "Shift"));
  heard.length = 0;
  page.dom.input({ type: "blur" });
  expect(heard).toEqual(["keyup", "keyup", "blur"]);
  page.dom.input({ type: "blur" });
  expect(heard).toEqual(["keyup", "keyup", "blur"]);
  page.dom.input(key("keydown", "KeyW", "w"));
  expect(heard).toEqual(["keyup", "keyup", "blur", "focus"]);
});
