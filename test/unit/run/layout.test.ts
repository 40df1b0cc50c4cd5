import { beforeEach, describe, expect, test } from "vitest";
import { cssSize } from "#client/run/dom.ts";
import { call, globalClass, installTestPage } from "./page.ts";

const page = installTestPage();
const { document } = page.dom.window;

beforeEach(() => page.dom.resize({ width: 800, height: 600, devicePixelRatio: 1 }));

test.for([
  { style: "", width: 640, height: 480, shown: [640, 480] },
  { style: "width: 320px; height: 200px", width: 640, height: 480, shown: [320, 200] },
  { style: "width: 320px", width: 640, height: 480, shown: [320, 240] },
  { style: "height: 240px", width: 640, height: 480, shown: [320, 240] },
  { style: "width: 100%; height: 50%", width: 640, height: 480, shown: [800, 300] },
  { style: "width: 100vw; height: 100vh", width: 640, height: 480, shown: [800, 600] },
  { style: "width: 100%; height: 100%; display: none", width: 1, height: 1, shown: [0, 0] },
])("a canvas of $width by $height with style '$style' shows as $shown", (row) => {
  const canvas = document.createElement("canvas");
  canvas.width = row.width;
  canvas.height = row.height;
  canvas.setAttribute("style", row.style);
  document.body.append(canvas);
  const { width, height } = canvas.getBoundingClientRect();
  canvas.remove();
  expect([width, height]).toEqual(row.shown);
});

test("an element without a length fills its parent, in the end the window", () => {
  const outer = document.createElement("div");
  outer.style.width = "400px";
  const inner = document.createElement("div");
  outer.append(inner);
  document.body.append(outer);
  expect([inner.clientWidth, inner.offsetHeight, document.body.clientWidth]).toEqual([
    400, 600, 800,
  ]);
  outer.remove();
});

test("a resize reaches the window, its listeners and resize observers once", async () => {
  const heard: string[] = [];
  const canvas = page.showCanvas();
  globalThis.addEventListener("resize", () => {
    heard.push(`${globalThis.innerWidth}x${globalThis.innerHeight}@${globalThis.devicePixelRatio}`);
  });
  const observer = new ResizeObserver(([entry]) => {
    heard.push(`observed ${entry?.contentRect.width}x${entry?.contentRect.height}`);
  });
  call(observer, "observe", canvas);
  await Promise.resolve();
  page.dom.resize({ width: 640, height: 360, devicePixelRatio: 2 });
  observer.disconnect();
  page.dom.resize({ width: 320, height: 180, devicePixelRatio: 2 });
  expect(heard).toEqual(["observed 800x600", "640x360@2", "observed 640x360", "320x180@2"]);
});

test("a frame delivers what its callbacks changed to resize observers", async () => {
  const widths: unknown[] = [];
  const canvas = document.createElement("canvas");
  document.body.append(canvas);
  const observer = new ResizeObserver(([entry]) => widths.push(entry?.contentRect.width));
  call(observer, "observe", canvas);
  await Promise.resolve();
  requestAnimationFrame(() => (canvas.width = 512));
  page.frame(0);
  await Promise.resolve();
  observer.disconnect();
  expect(widths).toEqual([300, 512]);
});

test.for([
  { area: { width: 1280, height: 720, devicePixelRatio: 1 }, css: [1280, 720] },
  { area: { width: 1281, height: 721, devicePixelRatio: 2 }, css: [641, 361] },
  { area: { width: 640, height: 360, devicePixelRatio: 0.5 }, css: [1280, 720] },
])("a picture area of $area.width by $area.height device pixels is $css CSS pixels", (row) => {
  const { width, height } = cssSize(row.area);
  expect([width, height]).toEqual(row.css);
});

/** What an intersection observer says of an element when it looks. */
async function seen(change: (canvas: ReturnType<typeof page.showCanvas>) => void) {
  const canvas = page.showCanvas();
  change(canvas);
  const entries = await new Promise<readonly object[]>((resolve) => {
    call(Reflect.construct(globalClass("IntersectionObserver"), [resolve]), "observe", canvas);
  });
  canvas.remove();
  expect(entries).toHaveLength(1);
  expect(entries[0]).toHaveProperty("target", canvas);
  return entries[0];
}

describe("an intersection observer", () => {
  test.for([
    { what: "in the document", change: () => {}, isIntersecting: true, intersectionRatio: 1 },
    {
      what: "outside of it",
      change: (canvas: { remove(): void }) => canvas.remove(),
      isIntersecting: false,
      intersectionRatio: 0,
    },
    {
      what: "not displayed",
      change: (canvas: { style: { display: string } }) => void (canvas.style.display = "none"),
      isIntersecting: false,
      intersectionRatio: 0,
    },
  ])("tells once of an element that is $what", async ({ change, ...expected }) => {
    const { isIntersecting, intersectionRatio } = expected;
    expect(await seen(change)).toMatchObject({ isIntersecting, intersectionRatio });
  });

  test("tells nothing of what is observed no more", async () => {
    const heard: unknown[] = [];
    const canvas = page.showCanvas();
    const observer = Reflect.construct(globalClass("IntersectionObserver"), [
      (entries: unknown) => heard.push(entries),
    ]);
    call(observer, "observe", canvas);
    call(observer, "disconnect");
    await seen(() => {});
    canvas.remove();
    expect(heard).toEqual([]);
  });
});
