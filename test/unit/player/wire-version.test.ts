import { expect, test } from "vitest";
import { PlayerError } from "#server/player/player-error.ts";
import { requirePlayable } from "#server/player/wire-version.ts";

const OWN = { major: 2, minor: 3 };

test.for([
  { what: "this version", recorded: { major: 2, minor: 3 } },
  { what: "the minor before", recorded: { major: 2, minor: 2 } },
  { what: "the first minor", recorded: { major: 2, minor: 0 } },
])("a recording of $what of the wire plays", ({ recorded }) => {
  expect(() => requirePlayable(recorded, OWN)).not.toThrow();
});

test.for([
  { what: "a later minor", recorded: { major: 2, minor: 4 }, version: "2.4" },
  { what: "the major before", recorded: { major: 1, minor: 3 }, version: "1.3" },
  { what: "a later major", recorded: { major: 3, minor: 0 }, version: "3.0" },
])("a recording of $what is refused with a sentence", ({ recorded, version }) => {
  const refusal = () => requirePlayable(recorded, OWN);
  expect(refusal).toThrow(PlayerError);
  expect(refusal).toThrow(
    `The recording is of version ${version} of the wire, and this plays 2.0 to 2.3: use the release that recorded it.`,
  );
});
