import { expect, test } from "vitest";

const own = { setTimeout, URL, Blob, AbortSignal, performance, Buffer, process };
const { installTestPage } = await import("./page.ts");
const { dom } = installTestPage();

function global(name: string): unknown {
  return Reflect.get(globalThis, name);
}

test.for(Object.entries(own))("Node's own %s stays", ([name, value]) => {
  expect(global(name)).toBe(value);
});

test.for(["window", "self", "parent", "top"])("%s is the global object", (name) => {
  expect(global(name)).toBe(globalThis);
});

test.for([
  "document",
  "navigator",
  "location",
  "Event",
  "EventTarget",
  "PointerEvent",
  "HTMLCanvasElement",
  "OffscreenCanvas",
  "ImageBitmap",
  "ResizeObserver",
])("%s is the page's", (name) => {
  expect(global(name)).toBe(Reflect.get(dom.window, name));
});

test("navigator has a gpu", () => {
  expect(navigator).toHaveProperty("gpu");
});

test("an event that the program makes reaches listeners on window", () => {
  const heard: string[] = [];
  const listen = ({ type }: { type: string }): number => heard.push(type);
  Reflect.apply(globalThis.addEventListener, globalThis, ["resize", listen]);
  Reflect.apply(globalThis.dispatchEvent, globalThis, [new Event("resize")]);
  Reflect.apply(globalThis.removeEventListener, globalThis, ["resize", listen]);
  Reflect.apply(globalThis.dispatchEvent, globalThis, [new Event("resize")]);
  expect(heard).toEqual(["resize"]);
});

test("a handler set as a property of window is called", () => {
  const heard: string[] = [];
  Reflect.set(globalThis, "onkeydown", ({ key }: { key: string }) => heard.push(key));
  dom.input({ type: "keydown", code: "KeyQ", key: "q", repeat: false, modifiers: 0 });
  expect(heard).toEqual(["q"]);
});
