import { expect, test } from "vitest";
import { ErrorScopes, MAX_ERROR_SCOPES } from "#server/replay/error-scopes.ts";

const first = { type: "validation", message: "first" } as const;
const second = { type: "validation", message: "second" } as const;

test("an error stays with the innermost scope of its type, which keeps the first", () => {
  const scopes = new ErrorScopes();
  scopes.push("validation");
  scopes.push("validation");
  scopes.push("internal");
  expect(scopes.capture(first)).toBe(true);
  expect(scopes.capture(second)).toBe(true);
  expect(scopes.pop()).toBeUndefined();
  expect(scopes.pop()).toBe(first);
  expect(scopes.pop()).toBeUndefined();
});

test("an error without a scope of its type is not captured", () => {
  const scopes = new ErrorScopes();
  expect(scopes.capture(first)).toBe(false);
  scopes.push("out-of-memory");
  expect(scopes.capture(first)).toBe(false);
  scopes.push("validation");
  expect(scopes.capture(first)).toBe(true);
});

test("more pops than pushes are harmless: Dawn rejects them", () => {
  expect(new ErrorScopes().pop()).toBeUndefined();
});

test("as many scopes as the limit says may be open, and not one more", () => {
  const scopes = new ErrorScopes();
  for (let count = 0; count < MAX_ERROR_SCOPES; count++) scopes.push("validation");
  expect(() => scopes.push("validation")).toThrow(`(limit ${MAX_ERROR_SCOPES})`);
  scopes.pop();
  scopes.push("validation");
});
