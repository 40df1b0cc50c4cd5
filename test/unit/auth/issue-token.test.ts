import { expect, test } from "vitest";
import { adminLink, parseDuration, viewerLink } from "#server/main/issue-token.ts";

test.for([
  { text: "1s", seconds: 1 },
  { text: "90m", seconds: 5_400 },
  { text: "12h", seconds: 43_200 },
  { text: "30d", seconds: 2_592_000 },
  { text: "3650d", seconds: 315_360_000 },
])("$text is $seconds seconds", ({ text, seconds }) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.for(["", "30", "d", "0d", "-1d", "1.5h", "1w", "1d ", "9999999999s", "3651d", "315360001s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("a viewer's link has the token in its fragment, which no server sees", () => {
  const link = new URL(viewerLink("https://gpu-host:7340/", "a.b.c"));
  expect(link.href).toBe("https://gpu-host:7340/#token=a.b.c");
  expect(link.pathname + link.search).toBe("/");
});

test("the admin page's link has the token in its fragment too", () => {
  expect(adminLink("https://gpu-host:7340", "a.b.c")).toBe(
    "https://gpu-host:7340/admin/#token=a.b.c",
  );
});
