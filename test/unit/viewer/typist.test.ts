import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keysOfText, pressOf } from "#client/viewer/input/text-keys.ts";
import { EVENTS_AT_ONCE, PAUSE_MS, Typist } from "#client/viewer/input/typist.ts";
import { MAX_INPUTS_PER_SECOND } from "#server/media/viewer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["a short text goes at once", EVENTS_AT_ONCE, [EVENTS_AT_ONCE, 0]],
  ["a longer one goes on after a pause", EVENTS_AT_ONCE + 2, [EVENTS_AT_ONCE, 2]],
])("%s", (_name, count, expected) => {
  let sent = 0;
  const typist = new Typist(() => sent++);
  typist.type(keysOfText("a".repeat(count / 2)));
  const first = sent;
  vi.advanceTimersByTime(PAUSE_MS);
  expect([first, sent - first]).toEqual(expected);
});

test("two texts keep their order and share the pace, which leaves room for the mouse", () => {
  const sent: string[] = [];
  const typist = new Typist((event) => {
    if (event.type === "keydown") sent.push(event.key);
  });
  const [first, second] = ["a".repeat(EVENTS_AT_ONCE), "b".repeat(10)];
  typist.type(keysOfText(first));
  typist.type(keysOfText(second));
  expect(sent).toHaveLength(EVENTS_AT_ONCE / 2);
  vi.advanceTimersByTime(2 * PAUSE_MS);
  expect(sent.join("")).toBe(first + second);
  expect((EVENTS_AT_ONCE * 1_000) / PAUSE_MS).toBeLessThanOrEqual(MAX_INPUTS_PER_SECOND / 2);
});

test("a key after a short text does not wait, and one after a long text does not overtake it", () => {
  const sent: string[] = [];
  const typist = new Typist((event) => {
    if (event.type === "keydown") sent.push(event.key);
  });
  typist.type(keysOfText("ab"));
  typist.type(keysOfText("\n"));
  expect(sent).toEqual(["a", "b", "Enter"]);
  typist.type(keysOfText("c".repeat(EVENTS_AT_ONCE)));
  typist.type(keysOfText("\n"));
  vi.advanceTimersByTime(10 * PAUSE_MS);
  expect(sent.slice(3).join("")).toBe(`${"c".repeat(EVENTS_AT_ONCE)}Enter`);
});

test("the end of a key that waits waits behind it", () => {
  const sent: string[] = [];
  const typist = new Typist(({ type }) => sent.push(type));
  typist.type(keysOfText("a".repeat(EVENTS_AT_ONCE / 2)));
  typist.type(pressOf("ControlLeft", "Control").slice(0, 1));
  typist.type([{ type: "blur" }]);
  expect(sent).toHaveLength(EVENTS_AT_ONCE);
  vi.advanceTimersByTime(PAUSE_MS);
  expect(sent.slice(EVENTS_AT_ONCE)).toEqual(["keydown", "blur"]);
});

test("what waits is not typed after a stop, but for the end of all keys, and what comes later is", () => {
  const sent: string[] = [];
  const typist = new Typist(({ type }) => sent.push(type));
  typist.type(keysOfText("a".repeat(EVENTS_AT_ONCE)));
  typist.stop();
  vi.advanceTimersByTime(10 * PAUSE_MS);
  expect(sent.slice(EVENTS_AT_ONCE)).toEqual(["blur"]);
  typist.stop();
  typist.type(keysOfText("b"));
  expect(sent.slice(EVENTS_AT_ONCE)).toEqual(["blur", "keydown", "keyup"]);
});
