import { describe, expect, test } from "vitest";
import { Backoff } from "#client/viewer/backoff.ts";
import { AT_FIRST, isViewOnly, type Knowledge, pageTitle, present } from "#client/viewer/state.ts";
import { whyUnsupported } from "#client/viewer/support.ts";
import { tokenInFragment, tokenInText } from "#client/viewer/token.ts";

const LIVE: Knowledge = {
  token: true,
  welcome: { session: "vm", role: "control" },
  signaling: "open",
  offline: false,
  away: false,
  media: "connected",
  session: { state: "live", sentence: "A program draws." },
  playing: true,
  blocked: false,
};
const GONE = {
  state: "guest-gone",
  sentence: "The guest's program ended. Waiting for the next one.",
} as const;

describe("a gateway that does not answer", () => {
  test.each([
    ["was there before", { ...LIVE, signaling: "lost" }, "Connection lost", /does not answer/],
    [
      "has sent this page alone",
      { ...AT_FIRST, token: true, signaling: "lost" },
      "The gateway cannot be reached",
      /proxy on the way may block WebSockets/,
    ],
    [
      "is out of reach of a computer without a network",
      { ...LIVE, signaling: "lost", offline: true },
      "This computer is offline",
      /by itself when there is a network again/,
    ],
  ] as const)("%s", (_name, knowledge, title, sentence) => {
    const said = present(knowledge);
    expect(said.title).toBe(title);
    expect(said.sentence).toMatch(sentence);
    expect(said.busy).toBe(true);
  });
});

describe("what the tab is called", () => {
  const welcome = { session: "desk-7", role: "control" } as const;
  test.each([
    ["by its session alone while it is live", LIVE, welcome, "desk-7 – Heliograph"],
    [
      "by what is the matter, first",
      { ...LIVE, session: GONE },
      welcome,
      "Program ended – desk-7 – Heliograph",
    ],
    ["before the session is known", AT_FIRST, undefined, "No token – Heliograph"],
  ])("%s", (_name, knowledge, opened, title) => {
    expect(pageTitle(present(knowledge), opened)).toBe(title);
  });
});

test.each([
  ["view", true],
  ["control", false],
  ["admin", false],
] as const)("a token of role %s may only view: %s", (role, viewOnly) => {
  expect(isViewOnly({ ...LIVE, welcome: { session: "vm", role } })).toBe(viewOnly);
  expect(isViewOnly(LIVE)).toBe(false);
});

describe("what the page says", () => {
  test.each([
    ["live when all is well", LIVE, "live", false],
    ["that a token is missing", AT_FIRST, "no-token", false],
    [
      "that the browser cannot, before anything else",
      { ...AT_FIRST, unsupported: "No." },
      "unsupported",
      false,
    ],
    ["that it was refused", { ...AT_FIRST, token: true, refused: "No." }, "refused", false],
    [
      "that it was let in and then sent away",
      { ...LIVE, signaling: "lost", refused: "An admin removed the session." },
      "sent-away",
      false,
    ],
    [
      "that there is no room, over all that was said before",
      { ...LIVE, signaling: "lost", busy: "Session vm is full." },
      "busy",
      true,
    ],
    ["that it connects", { ...AT_FIRST, token: true }, "connecting", true],
    [
      "that it connects until the gateway speaks of the session",
      { ...AT_FIRST, token: true, signaling: "open" },
      "connecting",
      true,
    ],
    [
      "that the gateway is away, over all that it said before",
      { ...LIVE, signaling: "lost" },
      "reconnecting",
      true,
    ],
    [
      "that it left while nobody looked",
      { ...LIVE, signaling: "connecting", away: true },
      "away",
      true,
    ],
    ["that there is no way for video", { ...LIVE, media: "failed" }, "no-path", true],
    [
      "the same during the next attempt",
      { ...LIVE, media: "failed", signaling: "connecting" },
      "no-path",
      true,
    ],
    ["that video is interrupted", { ...LIVE, media: "interrupted" }, "interrupted", true],
    [
      "that the browser holds the picture back",
      { ...LIVE, playing: false, blocked: true },
      "blocked",
      false,
    ],
    ["that it starts until a frame is seen", { ...LIVE, playing: false }, "starting", true],
    [
      "that it starts while an old program's frame stands",
      { ...LIVE, session: { state: "starting", sentence: "" } },
      "starting",
      true,
    ],
    ["that the program ended, over its last frame", { ...LIVE, session: GONE }, "guest-gone", true],
    [
      "that the link to the program broke, over its last frame",
      { ...LIVE, session: { state: "guest-away", sentence: "" } },
      "guest-away",
      true,
    ],
    [
      "that the worker restarts",
      { ...LIVE, session: { state: "worker-restarting", sentence: "" } },
      "worker-restarting",
      true,
    ],
    [
      "that it waits for a guest",
      { ...LIVE, playing: false, session: { state: "waiting-for-guest", sentence: "" } },
      "waiting-for-guest",
      true,
    ],
    [
      "that an admin paused it",
      { ...LIVE, session: { state: "paused", sentence: "" } },
      "paused",
      false,
    ],
    [
      "that it is quarantined",
      { ...LIVE, session: { state: "quarantined", sentence: "" } },
      "quarantined",
      false,
    ],
  ] satisfies [string, Knowledge, string, boolean][])("%s", (_name, knowledge, phase, busy) => {
    const presentation = present(knowledge);
    expect(presentation.phase).toBe(phase);
    expect(presentation.busy).toBe(busy);
    expect(presentation.title).not.toBe("");
  });

  test("is the gateway's own sentence where it has one, and what comes next", () => {
    expect(present({ ...LIVE, session: GONE }).sentence).toBe(
      `${GONE.sentence} The next one's picture appears by itself.`,
    );
    expect(present({ ...LIVE, playing: false }).sentence).toMatch(/picture is on the way/);
    expect(present({ ...LIVE, refused: "No room." }).sentence).toBe("No room.");
    expect(present({ ...LIVE, busy: "Full." }).sentence).toBe("Full. Trying again.");
  });
});

describe("a token", () => {
  test.each([
    ["in a fragment", "#token=abc.def-1_2", "abc.def-1_2"],
    ["among other members", "#x=1&token=abc", "abc"],
    ["that is empty", "#token=", undefined],
    ["that is not there", "#", undefined],
    ["in no fragment at all", "", undefined],
  ])("%s", (_name, fragment, token) => {
    expect(tokenInFragment(fragment)).toBe(token);
  });

  test.each([
    ["a whole address", " http://127.0.0.1:8080/#token=abc.def \n", "abc.def"],
    ["an address without a token", "http://127.0.0.1:8080/", undefined],
    ["an address with another fragment", "http://127.0.0.1:8080/#top", undefined],
    ["the member alone", "token=abc", "abc"],
    [
      "the token alone",
      "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln",
      "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln",
    ],
    ["words", "where is my token", undefined],
    ["nothing", "  ", undefined],
  ])("is found in pasted text: %s", (_name, text, token) => {
    expect(tokenInText(text)).toBe(token);
  });
});

describe("a browser", () => {
  const chrome = { webrtc: true, videoTypes: ["video/VP8", "video/H264"], userAgent: "Chrome/153" };
  test.each([
    ["with H.264", chrome],
    ["that does not tell", { ...chrome, videoTypes: undefined }],
  ])("%s is given a try", (_name, abilities) => {
    expect(whyUnsupported(abilities)).toBeUndefined();
  });

  test.each([
    [
      "without H.264",
      { ...chrome, videoTypes: ["video/VP8"] },
      /no H.264.* Chrome, Edge or Safari/,
    ],
    [
      "that is Firefox without its plugin",
      { ...chrome, videoTypes: [], userAgent: "Firefox/153.0" },
      /OpenH264/,
    ],
    ["without WebRTC", { ...chrome, webrtc: false, videoTypes: undefined }, /WebRTC is missing/],
  ])("%s is told what to do", (_name, abilities, sentence) => {
    expect(whyUnsupported(abilities)).toMatch(sentence);
  });
});

test("attempts come at doubling distances up to the longest, and start over after a success", () => {
  const backoff = new Backoff(500, 3_000);
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([500, 1_000, 2_000, 3_000, 3_000]);
  backoff.reset();
  expect(backoff.next()).toBe(500);
});
