import { describe, expect, test } from "vitest";
import { MAX_VIEWERS, MAX_VIEWERS_PER_TOKEN, MAX_WATCHERS } from "#server/session/limits.ts";
import { noRoomFor, type Place } from "#server/session/viewer-places.ts";

const WATCHER = { control: false, token: "mine" };
const OPERATOR = { control: true, token: "operator's" };

/** So many, each by a token of its own. */
const watchers = (count: number): Place[] =>
  Array.from({ length: count }, (_, at) => ({ control: false, token: `watcher ${at}` }));
const operators = (count: number): Place[] =>
  Array.from({ length: count }, (_, at) => ({ control: true, token: `operator ${at}` }));
const ofOneToken = (count: number, control = false): Place[] =>
  Array.from({ length: count }, () => ({ control, token: "mine" }));

describe("there is", () => {
  test.for<{ what: string; place: Place; taken: Place[]; says: RegExp }>([
    { what: "room for the first", place: WATCHER, taken: [], says: /^$/ },
    {
      what: "room for a token's last",
      place: WATCHER,
      taken: ofOneToken(MAX_VIEWERS_PER_TOKEN - 1),
      says: /^$/,
    },
    {
      what: "none for one more of it",
      place: WATCHER,
      taken: ofOneToken(MAX_VIEWERS_PER_TOKEN),
      says: /^has 16 viewers of this link already/,
    },
    {
      what: "none for one more of a token with control",
      place: { ...OPERATOR, token: "mine" },
      taken: ofOneToken(MAX_VIEWERS_PER_TOKEN, true),
      says: /^has 16 viewers of this link already/,
    },
    {
      what: "room for another token's beside them",
      place: { ...WATCHER, token: "admin's" },
      taken: ofOneToken(MAX_VIEWERS_PER_TOKEN),
      says: /^$/,
    },
    {
      what: "room for the last without control",
      place: WATCHER,
      taken: watchers(MAX_WATCHERS - 1),
      says: /^$/,
    },
    {
      what: "none for one more without control",
      place: WATCHER,
      taken: watchers(MAX_WATCHERS),
      says: /^has 24 viewers without control already/,
    },
    {
      what: "room for those in control beside them, up to the last",
      place: OPERATOR,
      taken: [...watchers(MAX_WATCHERS), ...operators(MAX_VIEWERS - MAX_WATCHERS - 1)],
      says: /^$/,
    },
    {
      what: "none for one more of all",
      place: OPERATOR,
      taken: [...watchers(MAX_WATCHERS), ...operators(MAX_VIEWERS - MAX_WATCHERS)],
      says: /^has 32 viewers already/,
    },
  ])("$what", ({ place, taken, says }) => {
    expect(noRoomFor(place, taken) ?? "").toMatch(says);
  });
});
