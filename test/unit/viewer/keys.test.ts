import { describe, expect, test } from "vitest";
import { KeyFilter, type KeyPress, shortcutOf } from "#client/viewer/input/key-filter.ts";
import { encodeInput } from "#shared/input/codec.ts";
import { PLAIN_KEY } from "./plain-key.ts";

const press = (
  type: "keydown" | "keyup",
  code: string,
  key: string,
  more: Partial<KeyPress> = {},
) => ({
  type,
  code,
  key,
  ...PLAIN_KEY,
  ...more,
});

describe("the page's shortcuts", () => {
  const all = { ctrlKey: true, altKey: true, shiftKey: true };
  test.each([
    ["Control, Alt, Shift and S", press("keydown", "KeyS", "S", all), "statistics"],
    ["Control, Alt, Shift and F", press("keydown", "KeyF", "F", all), "full-screen"],
    ["Control, Alt, Shift and M", press("keydown", "KeyM", "M", all), "toolbar"],
    ["Control, Alt, Shift and K", press("keydown", "KeyK", "K", all), "text"],
    ["the key's place counts, not its letter", press("keydown", "KeyS", "Ś", all), "statistics"],
    ["another letter is the guest's", press("keydown", "KeyA", "A", all), undefined],
    [
      "without Shift it is the guest's",
      press("keydown", "KeyS", "s", { ...all, shiftKey: false }),
      undefined,
    ],
    [
      "without Alt it is the guest's",
      press("keydown", "KeyS", "S", { ...all, altKey: false }),
      undefined,
    ],
    [
      "with Command it is the guest's",
      press("keydown", "KeyS", "S", { ...all, metaKey: true }),
      undefined,
    ],
    ["a release is none", press("keyup", "KeyS", "S", all), undefined],
  ])("%s", (_name, key, expected) => {
    expect(shortcutOf(key)).toBe(expected);
  });

  test("leave the guest with no release of a key that it was never told of", () => {
    const filter = new KeyFilter();
    expect(filter.decide(press("keyup", "KeyS", "S", all))).toEqual({ prevent: true, send: [] });
  });
});

describe("keys on their way to the guest", () => {
  test.each([
    ["a letter", press("keydown", "KeyA", "a"), true, 1],
    ["Tab, which would leave the stage", press("keydown", "Tab", "Tab"), true, 1],
    ["F5, which would load the page anew", press("keydown", "F5", "F5"), true, 1],
    [
      "Control and S, which would save the page",
      press("keydown", "KeyS", "s", { ctrlKey: true }),
      true,
      1,
    ],
    ["F11, the browser's full screen", press("keydown", "F11", "F11"), false, 0],
    ["a key of an input method", press("keydown", "KeyA", "Process"), false, 0],
    ["a key while composing", press("keydown", "KeyA", "a", { isComposing: true }), false, 0],
    ["a key without a place", press("keydown", "", "Unidentified"), true, 0],
    ["a text at the limit", press("keydown", "KeyA", "あ".repeat(21)), true, 1],
    ["a text one over the limit", press("keydown", "KeyA", "あ".repeat(22)), true, 0],
  ])("%s", (_name, key, prevented, sent) => {
    const { prevent, send } = new KeyFilter().decide(key);
    expect(prevent).toBe(prevented);
    expect(send).toHaveLength(sent);
    for (const event of send) expect(encodeInput(event).length).toBeGreaterThan(0);
  });

  test("carry the modifiers", () => {
    const key = press("keydown", "KeyA", "A", { shiftKey: true, metaKey: true });
    expect(new KeyFilter().decide(key).send).toEqual([
      { type: "keydown", code: "KeyA", key: "A", repeat: false, modifiers: 1 | 8 },
    ]);
  });

  test("repeat only what the guest believes held", () => {
    const filter = new KeyFilter();
    const repeated = press("keydown", "KeyA", "a", { repeat: true });
    expect(filter.decide(repeated).send[0]?.repeat).toBe(false);
    expect(filter.decide(repeated).send[0]?.repeat).toBe(true);
    filter.releaseAll();
    expect(filter.decide(repeated).send[0]?.repeat).toBe(false);
  });

  test("on Windows AltGr is no Control, which the guest is told to let go of", () => {
    const filter = new KeyFilter();
    const both = { ctrlKey: true, altKey: true };
    const sent = [
      press("keydown", "ControlLeft", "Control", { ctrlKey: true }),
      press("keydown", "AltRight", "AltGraph", both),
      press("keydown", "KeyQ", "@"),
      press("keyup", "KeyQ", "@"),
      press("keyup", "ControlLeft", "Control", { altKey: true }),
      press("keyup", "AltRight", "AltGraph"),
    ].flatMap((key) => filter.decide(key).send);
    expect(sent.map(({ type, key }) => `${type} ${key}`)).toEqual([
      "keydown Control",
      "keyup Control",
      "keydown AltGraph",
      "keydown @",
      "keyup @",
      "keyup AltGraph",
    ]);
    expect(sent[2]?.modifiers).toBe(0);
  });

  test.each([
    ["ShiftLeft", "Shift", "shiftKey"],
    ["ControlRight", "Control", "ctrlKey"],
    ["AltLeft", "Alt", "altKey"],
    ["MetaLeft", "Meta", "metaKey"],
  ])("a %s whose release the system took does not stick", (code, key, flag) => {
    const codes = (more: Partial<KeyPress>) => {
      const filter = new KeyFilter();
      filter.decide(press("keydown", code, key, { [flag]: true }));
      const { send } = filter.decide(press("keydown", "KeyA", "a", more));
      return send.map((event) => `${event.type} ${event.code} ${event.modifiers}`);
    };
    expect(codes({})).toEqual([`keyup ${code} 0`, "keydown KeyA 0"]);
    expect(codes({ [flag]: true })).toHaveLength(1);
  });

  test("a remapped modifier is held as long as its key or its place is", () => {
    const filter = new KeyFilter();
    // Shift and Alt on X11.
    filter.decide(press("keydown", "AltLeft", "Meta", { altKey: true }));
    filter.decide(press("keydown", "AltRight", "AltGraph"));
    const { send } = filter.decide(press("keydown", "KeyA", "a", { altKey: true }));
    expect(send.map(({ code }) => code)).toEqual(["KeyA"]);
  });

  test("are released once, and not after the guest let go of all", () => {
    const filter = new KeyFilter();
    filter.decide(press("keydown", "KeyA", "a"));
    expect(filter.decide(press("keyup", "KeyA", "a")).send).toHaveLength(1);
    expect(filter.decide(press("keyup", "KeyA", "a")).send).toHaveLength(0);
    filter.decide(press("keydown", "KeyB", "b"));
    filter.releaseAll();
    expect(filter.decide(press("keyup", "KeyB", "b")).send).toHaveLength(0);
  });

  test.each(["ControlLeft", "ControlRight", "MetaLeft", "MetaRight"])(
    "may be the browser's, too, while %s is held",
    (code) => {
      const filter = new KeyFilter();
      filter.decide(press("keydown", "KeyW", "w"));
      expect(filter.holdsShortcut).toBe(false);
      const held = code.startsWith("Meta") ? { metaKey: true } : { ctrlKey: true };
      filter.decide(press("keydown", code, code.replace(/Left|Right/, ""), held));
      expect(filter.holdsShortcut).toBe(true);
      filter.releaseAll();
      expect(filter.holdsShortcut).toBe(false);
    },
  );

  test("held with Command are released with it, but for other modifiers", () => {
    const filter = new KeyFilter();
    filter.decide(press("keydown", "MetaLeft", "Meta", { metaKey: true }));
    filter.decide(press("keydown", "ShiftLeft", "Shift", { metaKey: true, shiftKey: true }));
    filter.decide(press("keydown", "KeyC", "c", { metaKey: true, shiftKey: true }));
    const { send } = filter.decide(press("keyup", "MetaLeft", "Meta", { shiftKey: true }));
    expect(send.map(({ type, code }) => `${type} ${code}`)).toEqual([
      "keyup MetaLeft",
      "keyup KeyC",
    ]);
    expect(filter.decide(press("keyup", "ShiftLeft", "Shift")).send).toHaveLength(1);
  });
});
