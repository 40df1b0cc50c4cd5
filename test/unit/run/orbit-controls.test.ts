import { beforeEach, expect, test } from "vitest";
import { installTestPage, mouse } from "./page.ts";

const page = installTestPage();
const { PerspectiveCamera, Vector3 } = await import("three");
const { OrbitControls } = await import("three/addons/controls/OrbitControls.js");

const canvas = page.showCanvas();
const camera = new PerspectiveCamera(50, 800 / 600);
const controls = Reflect.construct(OrbitControls, [camera, canvas]);
camera.position.set(0, 0, 10);
controls.update();
controls.saveState();

beforeEach(() => controls.reset());

const finger = (
  type: "pointerdown" | "pointermove" | "pointerup",
  pointerId: number,
  place: readonly [number, number],
) =>
  ({
    ...mouse(type, place, { buttons: type === "pointerup" ? 0 : 1 }),
    pointerType: "touch",
    pointerId,
  }) as const;

test("without input the camera stays where it is", () => {
  controls.update();
  expect(camera.position.distanceTo(new Vector3(0, 0, 10))).toBeCloseTo(0, 9);
});

test("dragging turns the camera around its target at the same distance", () => {
  page.dom.input(mouse("pointerdown", [0.5, 0.5]));
  page.dom.input(mouse("pointermove", [0.6, 0.5], { buttons: 1 }));
  page.dom.input(mouse("pointerup", [0.6, 0.5]));
  controls.update();
  // 80 of 600 pixels are 0.267 pi of azimuth: OrbitControls turns once around for the canvas's height.
  expect(Math.atan2(camera.position.x, camera.position.z)).toBeCloseTo(
    (-2 * Math.PI * 80) / 600,
    5,
  );
  expect(camera.position.length()).toBeCloseTo(10, 5);
});

test("a move without a button turns nothing", () => {
  page.dom.input(mouse("pointermove", [0.5, 0.5]));
  page.dom.input(mouse("pointermove", [0.9, 0.5]));
  controls.update();
  expect(camera.position.x).toBeCloseTo(0, 9);
});

test.for([
  { deltaY: -120, nearer: true },
  { deltaY: 120, nearer: false },
])("the wheel ($deltaY) zooms", ({ deltaY, nearer }) => {
  page.dom.input({ type: "wheel", x: 0.5, y: 0.5, deltaX: 0, deltaY, modifiers: 0 });
  controls.update();
  expect(camera.position.length() < 10).toBe(nearer);
  expect(camera.position.length()).not.toBeCloseTo(10, 3);
});

test("the right button pans", () => {
  page.dom.input(mouse("pointerdown", [0.5, 0.5], { button: 2, buttons: 2 }));
  page.dom.input(mouse("pointermove", [0.6, 0.5], { buttons: 2 }));
  page.dom.input(mouse("pointerup", [0.6, 0.5], { button: 2 }));
  controls.update();
  expect(controls.target.distanceTo(new Vector3())).toBeGreaterThan(0.5);
});

test("two fingers that part come nearer, and no number is lost on the way", () => {
  page.dom.input(finger("pointerdown", 11, [0.45, 0.5]));
  page.dom.input(finger("pointerdown", 12, [0.55, 0.5]));
  page.dom.input(finger("pointermove", 11, [0.4, 0.5]));
  page.dom.input(finger("pointermove", 12, [0.6, 0.5]));
  page.dom.input(finger("pointerup", 11, [0.4, 0.5]));
  page.dom.input(finger("pointerup", 12, [0.6, 0.5]));
  controls.update();
  expect(camera.position.length()).toBeLessThan(9);
});
