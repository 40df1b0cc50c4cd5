import { expect, test } from "vitest";
import { exclusionOf, type GpuUser } from "#server/session/exclusive-use.ts";

const user = (name: string, isExclusive: boolean, isInside: boolean): GpuUser => ({
  name,
  isExclusive,
  isInside,
});

test.for([
  {
    who: "an ordinary session beside ordinary ones",
    mine: user("me", false, false),
    other: user("other", false, true),
  },
  {
    who: "an ordinary session while an exclusive one is away",
    mine: user("me", false, false),
    other: user("other", true, false),
  },
  {
    who: "an exclusive session while all others are away",
    mine: user("me", true, false),
    other: user("other", false, false),
  },
  {
    who: "an exclusive session's second program",
    mine: user("me", true, true),
    other: user("other", true, false),
  },
])("$who is let in", ({ mine, other }) => {
  expect(exclusionOf(mine, [mine, other])).toBeUndefined();
});

test.for([
  {
    who: "an ordinary session while an exclusive one is inside",
    mine: user("me", false, false),
    other: user("other", true, true),
    says: "Another session has the GPU for itself: try again when its programs have ended.",
  },
  {
    who: "an exclusive session while another is inside",
    mine: user("me", true, false),
    other: user("other", false, true),
    says: "Session me is to have the GPU for itself, and others use it: try again when their programs have ended.",
  },
  {
    who: "the second of two exclusive sessions",
    mine: user("me", true, false),
    other: user("other", true, true),
    says: "Another session has the GPU for itself: try again when its programs have ended.",
  },
])("$who is not, and hears no other's name", ({ mine, other, says }) => {
  expect(exclusionOf(mine, [user("third", false, false), other, mine])).toBe(says);
});
