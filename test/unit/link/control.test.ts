import { describe, expect, test } from "vitest";
import {
  type ControlMessage,
  formatControl,
  formatResume,
  MAX_CONTROL_LENGTH,
  MAX_RESUME_MS,
  parseControl,
  parseResume,
} from "#shared/link/control.ts";

const ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP_";
const MOST = Number.MAX_SAFE_INTEGER;

describe("control messages", () => {
  test.for<[string, ControlMessage]>([
    [`link ${ID} 30000`, { type: "link", id: ID, resumeMs: 30_000 }],
    [`link ${ID} ${MAX_RESUME_MS}`, { type: "link", id: ID, resumeMs: MAX_RESUME_MS }],
    ["resume 0", { type: "resume", count: 0 }],
    ["ack 65536", { type: "ack", count: 65_536 }],
    [`ack ${MOST}`, { type: "ack", count: MOST }],
  ])("%s is read as it is written", ([text, message]) => {
    expect(parseControl(text)).toEqual(message);
    expect(formatControl(message)).toBe(text);
  });

  test.for([
    "",
    "ack",
    "ack ",
    "ack -1",
    "ack 01",
    "ack 1.5",
    "ack 1e3",
    "ack 1 ",
    "ack  1",
    "ack 1\n",
    "Ack 1",
    `ack ${MOST + 1}`,
    `link ${ID}`,
    `link ${ID.slice(1)} 30000`,
    `link ${ID.slice(1)}= 30000`,
    `link ${ID} ${MAX_RESUME_MS + 1}`,
    "x".repeat(MAX_CONTROL_LENGTH),
  ])("%j is none", (text) => {
    expect(() => parseControl(text)).toThrow(/^The text message ".*" is none of the link's\.$/);
  });

  test("one that is over the limit is not looked at", () => {
    expect(() => parseControl("x".repeat(MAX_CONTROL_LENGTH + 1))).toThrow(
      `A control message (${MAX_CONTROL_LENGTH + 1} characters) is over the limit (${MAX_CONTROL_LENGTH}).`,
    );
  });
});

describe("the header that resumes a link", () => {
  test("is read as it is written", () => {
    const request = { id: ID, attempt: 2, received: MOST };
    expect(parseResume(formatResume(request))).toEqual(request);
  });

  test.for(["", ID, `${ID} 1`, `${ID} 1 2 3`, `${ID}x 1 2`, `${ID} -1 2`, `${ID} 1 ${MOST + 1}`])(
    "%j is none",
    (value) => {
      expect(parseResume(value)).toBeUndefined();
    },
  );
});
