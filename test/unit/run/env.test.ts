import path from "node:path";
import { expect, test } from "vitest";
import { guestEnvironment, parseSize, readRunEnvironment } from "#client/run/env.ts";

test.for([
  { text: "1280x720", size: { width: 1280, height: 720, devicePixelRatio: 1 } },
  { text: "1x1", size: { width: 1, height: 1, devicePixelRatio: 1 } },
  { text: "99999x99999", size: { width: 99_999, height: 99_999, devicePixelRatio: 1 } },
  { text: "100000x1", size: undefined },
  { text: "0x720", size: undefined },
  { text: "1280", size: undefined },
  { text: "1280x720x1", size: undefined },
  { text: "", size: undefined },
  { text: undefined, size: undefined },
])("the size '$text' is read as $size", ({ text, size }) => {
  expect(parseSize(text)).toEqual(size);
});

test("what run tells the program is what the program's preload reads", () => {
  const told = {
    socket: "/tmp/a relay.sock",
    size: { width: 640, height: 360, devicePixelRatio: 1 },
    lostFile: "/tmp/a folder/lost",
  };
  const env = guestEnvironment(told, new URL("file:///a%20folder/preload.ts"), {});
  expect(readRunEnvironment(env)).toEqual(told);
  expect(env["NODE_OPTIONS"]).toBe("--import=file:///a%20folder/preload.ts");
});

test("the program keeps its own NODE_OPTIONS and PATH, behind the runner's", () => {
  const told = readRunEnvironment({});
  const env = guestEnvironment(told, new URL("file:///preload.ts"), {
    NODE_OPTIONS: "--max-old-space-size=100",
    PATH: "/bin",
    OTHER: "kept",
  });
  expect(env["NODE_OPTIONS"]).toBe("--import=file:///preload.ts --max-old-space-size=100");
  expect(env["PATH"]).toBe(`${path.dirname(process.execPath)}${path.delimiter}/bin`);
  expect(env["OTHER"]).toBe("kept");
});
