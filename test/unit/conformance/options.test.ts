import { expect, test } from "vitest";
import { parseOptions } from "#test/conformance/options.ts";

const NEEDED = ["--cts", "../cts", "--query", "webgpu:idl,*"];

test("what is not given has a default", () => {
  expect(parseOptions(NEEDED)).toEqual({
    cts: "../cts",
    queries: ["webgpu:idl,*"],
    results: "dist/conformance",
    ways: ["direct", "guest"],
    retry: false,
    again: false,
    percent: 100,
    seed: "1",
    seconds: 86_400,
    jobs: 1,
    delay: 0,
    compat: false,
  });
});

test.for([
  { given: ["--percent", "ten"], says: "--percent ten: write a number from 0 to 100." },
  { given: ["--percent", "100.1"], says: "--percent 100.1: write a number from 0 to 100." },
  { given: ["--jobs", "0"], says: "--jobs 0: write a number from 1 to 64." },
  { given: ["--jobs", "1.5"], says: "--jobs 1.5: write a whole number." },
  { given: ["--seconds", ""], says: "--seconds : write a number from 1 to 604800." },
  { given: ["--delay", "1e3"], says: "--delay 1e3: write a number from 0 to 10000." },
  { given: ["--only", "both"], says: "--only both: write direct or guest." },
  { given: ["--precent", "1"], says: "Unknown option '--precent'" },
])("$given is refused with a sentence", ({ given, says }) => {
  expect(() => parseOptions([...NEEDED, ...given])).toThrow(says);
});

test("what is given is taken", () => {
  const given = ["--percent", "0.5", "--jobs", "64", "--delay", "2.5", "--only", "guest"];
  expect(parseOptions([...NEEDED, ...given])).toMatchObject({
    percent: 0.5,
    jobs: 64,
    delay: 2.5,
    ways: ["guest"],
  });
});

test.for([[["--query", "webgpu:*"]], [["--cts", "../cts"]]])("%j is not enough", ([given]) => {
  expect(() => parseOptions(given!)).toThrow("Say where the suite is (--cts FOLDER)");
});
