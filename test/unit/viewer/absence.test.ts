import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Absence, LEAVES_AFTER_MS } from "#client/viewer/absence.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a page that nobody looks at", () => {
  test.each([
    ["stays for a while", LEAVES_AFTER_MS - 1, ["back stayed"]],
    ["leaves then, and comes back", LEAVES_AFTER_MS, ["left", "back away"]],
  ])("%s", (_name, hiddenFor, expected) => {
    const heard: string[] = [];
    const absence = new Absence({
      left: () => heard.push("left"),
      back: (away) => heard.push(away ? "back away" : "back stayed"),
    });
    absence.show(false);
    vi.advanceTimersByTime(hiddenFor);
    absence.show(true);
    vi.advanceTimersByTime(LEAVES_AFTER_MS);
    expect(heard).toEqual(expected);
    absence.show(true);
    expect(heard.at(-1)).toBe("back stayed");
  });
});
