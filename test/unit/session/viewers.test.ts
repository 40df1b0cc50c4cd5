import { expect, test } from "vitest";
import { Viewers } from "#server/session/viewers.ts";

const wish = (width: number) =>
  ({ type: "resize", width, height: 480, devicePixelRatio: 1 }) as const;

test("the newest viewer in control decides the size", () => {
  const viewers = new Viewers();
  viewers.add("a", true);
  expect(viewers.resized("a", wish(100))).toBe(true);
  viewers.add("b", true);
  expect(viewers.resized("b", wish(200))).toBe(true);
  expect(viewers.resized("a", wish(300))).toBe(false);
  expect(viewers.wish).toEqual(wish(200));
});

test("the decision passes to the one in control who acts, with the size it wanted before", () => {
  const viewers = new Viewers();
  viewers.add("a", true);
  viewers.resized("a", wish(100));
  viewers.add("b", true);
  expect(viewers.acted("a")).toBe(true);
  expect(viewers.acted("a")).toBe(false);
  expect(viewers.wish).toEqual(wish(100));
});

test("who only watches decides nothing", () => {
  const viewers = new Viewers();
  viewers.add("a", true);
  viewers.add("watcher", false);
  expect(viewers.resized("watcher", wish(100))).toBe(false);
  expect(viewers.acted("watcher")).toBe(false);
  expect(viewers.wish).toBeUndefined();
  expect(viewers.count).toBe(2);
});

test("when the deciding one leaves, the newest other in control decides", () => {
  const viewers = new Viewers();
  viewers.add("a", true);
  viewers.resized("a", wish(100));
  viewers.add("watcher", false);
  viewers.add("b", true);
  viewers.remove("watcher");
  viewers.remove("b");
  expect(viewers.wish).toEqual(wish(100));
  viewers.remove("a");
  expect(viewers.wish).toBeUndefined();
});
