import { describe, expect, test, vi } from "vitest";

const own = { setTimeout, URL, Blob, AbortSignal, performance, Buffer, process };
const nodes = { EventTarget, Event };
const { call, globalClass, installTestPage } = await import("./page.ts");
const { dom } = installTestPage();
const { document } = dom.window;

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

describe("what libraries look for in a page", () => {
  test.for([
    { what: "the context is secure, as navigator.gpu demands", name: "isSecureContext", is: true },
    { what: "memory is not shared between pages", name: "crossOriginIsolated", is: false },
    { what: "the window has no origin", name: "origin", is: "null" },
  ])("$what", ({ name, is }) => {
    expect(global(name)).toBe(is);
  });

  test("a URL can be resolved against the location's origin", () => {
    expect(new URL("/a/b.wasm", location.origin).href).toBe("file:///a/b.wasm");
  });

  test("Node's process says that it is a page's", () => {
    expect(process).toHaveProperty("browser", true);
  });

  test("an alert is written to the console", () => {
    using warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    call(globalThis, "alert", "No WebGPU here.");
    expect(warn).toHaveBeenCalledWith("No WebGPU here.");
  });

  test("nothing is a VideoFrame, and none can be made", () => {
    const VideoFrame = globalClass("VideoFrame");
    expect(document.createElement("img")).not.toBeInstanceOf(VideoFrame);
    expect(() => void Reflect.construct(VideoFrame, [])).toThrow(/no video frames/);
  });
});

describe("instanceof", () => {
  const listener = new nodes.EventTarget();
  const error = new nodes.Event("uncapturederror");
  const canvas = document.createElement("canvas");
  test.for([
    { what: "an element", value: canvas, name: "EventTarget", is: true },
    { what: "the document", value: document, name: "EventTarget", is: true },
    {
      what: "an EventTarget of Node's, such as a GPUDevice",
      value: listener,
      name: "EventTarget",
      is: true,
    },
    {
      what: "an EventTarget of the page's",
      value: new EventTarget(),
      name: "EventTarget",
      is: true,
    },
    { what: "an object", value: {}, name: "EventTarget", is: false },
    {
      what: "an Event of Node's, such as a GPUUncapturedErrorEvent",
      value: error,
      name: "Event",
      is: true,
    },
    { what: "a MouseEvent", value: new dom.window.MouseEvent("click"), name: "Event", is: true },
    {
      what: "a MouseEvent",
      value: new dom.window.MouseEvent("click"),
      name: "MouseEvent",
      is: true,
    },
    { what: "an Event of Node's", value: error, name: "MouseEvent", is: false },
    { what: "an element", value: canvas, name: "Event", is: false },
  ])("$what is an $name: $is", ({ value, name, is }) => {
    expect(value instanceof globalClass(name)).toBe(is);
  });
});

describe("requests of the operator's screen are turned down as in a browser", () => {
  test.for([
    { method: "requestPointerLock", event: "pointerlockerror", error: "NotSupportedError" },
    { method: "requestFullscreen", event: "fullscreenerror", error: "TypeError" },
  ])("$method", async ({ method, event, error }) => {
    const canvas = document.body.appendChild(document.createElement("canvas"));
    const heard = new Promise((resolve) => document.addEventListener(event, resolve));
    await expect(call(canvas, method)).rejects.toMatchObject({ name: error });
    expect(await heard).toMatchObject({ type: event });
  });

  test("nothing is locked or full screen", async () => {
    expect(document).toMatchObject({
      pointerLockElement: null,
      fullscreenElement: null,
      fullscreenEnabled: false,
    });
    expect(call(document, "exitPointerLock")).toBeUndefined();
    await expect(call(document, "exitFullscreen")).rejects.toThrow(TypeError);
  });
});
