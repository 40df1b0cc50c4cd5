import { describe, expect, test } from "vitest";
import {
  keysOfText,
  makesText,
  MAX_TEXT_CHARACTERS,
  pastes,
} from "#client/viewer/input/text-keys.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import { PLAIN_KEY } from "./plain-key.ts";

const press = (key: string, more: object = {}) => ({
  type: "keydown",
  code: "KeyA",
  key,
  ...PLAIN_KEY,
  ...more,
});

describe("while text is written", () => {
  test.each([
    ["a letter", press("a"), true],
    ["a letter beyond the first plane of Unicode", press("𝒶"), true],
    ["a dead key", press("Dead"), true],
    ["a key of an input method", press("Process"), true],
    ["a key of a screen keyboard", press("Unidentified"), true],
    ["Enter while composing", press("Enter", { isComposing: true }), true],
    ["a character of a Mac's Option", press("@", { altKey: true }), true],
    ["Alt and a letter", press("f", { altKey: true }), false],
    ["Control and a letter", press("c", { ctrlKey: true }), false],
    ["Command and a letter", press("c", { metaKey: true }), false],
    ["Enter", press("Enter"), false],
    ["Backspace", press("Backspace"), false],
    ["a modifier", press("Shift", { shiftKey: true }), false],
  ])("%s makes text: %#", (_name, key, expected) => {
    expect(makesText(key)).toBe(expected);
  });
});

test.each([
  ["Control and V", press("v", { code: "KeyV", ctrlKey: true }), true],
  ["Command and V", press("v", { code: "KeyV", metaKey: true }), true],
  ["V", press("v", { code: "KeyV" }), false],
  ["Control and another key", press("c", { code: "KeyC", ctrlKey: true }), false],
  ["Control, Alt and V", press("v", { code: "KeyV", ctrlKey: true, altKey: true }), false],
  ["a release", press("v", { code: "KeyV", ctrlKey: true, type: "keyup" }), false],
])("%s pastes: %#", (_name, key, expected) => {
  expect(pastes(key)).toBe(expected);
});

describe("text as keys", () => {
  test.each([
    ["a letter has its place", "a", ["KeyA a 0"]],
    ["a capital has Shift", "Ab", ["KeyA A 1", "KeyB b 0"]],
    ["a digit and a space have theirs", "7 ", ["Digit7 7 0", "Space   0"]],
    ["what has no place has none", "é日", [" é 0", " 日 0"]],
    ["an accent of its own joins its letter", "e\u0301", [" é 0"]],
    ["a line's end is Enter", "a\r\n\n", ["KeyA a 0", "Enter Enter 0", "Enter Enter 0"]],
    ["nothing is nothing", "", []],
  ])("%s", (_name, text, expected) => {
    const keys = keysOfText(text);
    for (const key of keys) expect(decodeInput(encodeInput(key))).toEqual(key);
    expect(keys.map(({ type }) => type)).toEqual(expected.flatMap(() => ["keydown", "keyup"]));
    const downs = keys.filter(({ type }) => type === "keydown");
    expect(downs.map(({ code, key, modifiers }) => `${code} ${key} ${modifiers}`)).toEqual(
      expected,
    );
  });

  test.each([
    [MAX_TEXT_CHARACTERS, MAX_TEXT_CHARACTERS],
    [MAX_TEXT_CHARACTERS + 1, MAX_TEXT_CHARACTERS],
  ])("of %i characters, %i are taken", (given, taken) => {
    expect(keysOfText("é".repeat(given))).toHaveLength(2 * taken);
  });
});
