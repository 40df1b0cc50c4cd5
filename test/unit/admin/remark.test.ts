import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Remark, REMARK_MS } from "#client/admin/view/remark.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a remark on the last act", () => {
  test.each([
    ["stays long enough to be read", false, REMARK_MS - 1, "Done."],
    ["goes then", false, REMARK_MS, ""],
    ["stays where it tells of a refusal", true, 10 * REMARK_MS, "Done."],
  ])("%s", (_name, isError, wait, expected) => {
    let shown = "";
    const remark = new Remark((sentence) => (shown = sentence));
    remark.say("Done.", isError);
    vi.advanceTimersByTime(wait);
    expect(shown).toBe(expected);
  });

  test("is not taken away by the end of the one before", () => {
    let shown = "";
    const remark = new Remark((sentence) => (shown = sentence));
    remark.say("One.", false);
    vi.advanceTimersByTime(REMARK_MS - 1);
    remark.say("Two.", false);
    vi.advanceTimersByTime(REMARK_MS - 1);
    expect(shown).toBe("Two.");
    remark.clear();
    expect(shown).toBe("");
  });
});
