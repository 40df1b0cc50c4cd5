import { describe, expect, test } from "vitest";
import { isPrintable, printable, printableLines } from "#shared/base/printable.ts";

describe("a stranger's text in one line", () => {
  test.for<{ what: string; text: string; shown: string }>([
    { what: "plain words", text: "The program ended.", shown: "The program ended." },
    { what: "other scripts and pictures", text: "Žluťoučký 猫 🐈", shown: "Žluťoučký 猫 🐈" },
    { what: "a window title", text: "a\u001B]0;mine\u0007b", shown: "a ]0;mine b" },
    { what: "a clipboard by OSC 52", text: "\u001B]52;c;cm0=\u001B\\", shown: " ]52;c;cm0= \\" },
    { what: "an 8-bit control sequence", text: "a\u009B2Jb", shown: "a 2Jb" },
    { what: "a line of its own", text: "a\r\nAll is the same.", shown: "a All is the same." },
    { what: "Unicode's line ends", text: "a\u2028b\u2029c\u0085d", shown: "a b c d" },
    { what: "a turned direction", text: "a\u202Eb\u2066c\u200Fd", shown: "a b c d" },
    { what: "half of a character", text: "a\uD83D", shown: "a" },
    { what: "a delete", text: "a\u007Fb", shown: "a b" },
  ])("is shown with $what", ({ text, shown }) => {
    expect(printable(text)).toBe(shown);
    expect(isPrintable(text)).toBe(text === shown);
    expect(isPrintable(shown)).toBe(true);
  });
});

test("a stranger's lines stay lines, and look like none of ours", () => {
  const text = "error: no such name\r\n  x + y\n\u001B[31m  ^\u2028z\nheliograph: forged\n";
  expect(printableLines(text)).toBe(
    "error: no such name\n      x + y\n     [31m  ^ z\n    heliograph: forged",
  );
});
