import { expect, test } from "vitest";
import type { Profile } from "#server/config/config.ts";
import { EffectiveProfile } from "#server/session/effective-profile.ts";
import { profilesOf } from "#test/support/profiles.ts";

const EQUAL = { policy: "equal-share", weight: 1 } as const;
const HALF = { policy: "fixed-share", percent: 50 } as const;
const AT_60 = { policy: "target-frame-rate", frameRate: 60 } as const;

const PROFILES = profilesOf({
  small: { frameRate: 25, unwatchedFrameRate: 5 },
  half: { share: HALF },
  smooth: { share: AT_60, frameRate: 50, unwatchedFrameRate: 2 },
  "faster-unwatched": { frameRate: 10, unwatchedFrameRate: 40 },
});

function profile(name: string): Profile {
  return PROFILES.get(name)!;
}

function allowed(name: string, isPaced = true): EffectiveProfile {
  return new EffectiveProfile(profile(name), isPaced);
}

test("the newest token's profile counts", () => {
  const session = allowed("small");
  session.grant(profile("half"));
  expect([session.profile.name, session.isAssigned]).toEqual(["half", false]);
});

test("an admin's choice wins over every token, until it is taken back", () => {
  const session = allowed("small");
  session.assign(profile("half"));
  session.grant(profile("smooth"));
  expect([session.profile.name, session.isAssigned]).toEqual(["half", true]);
  session.assign(undefined);
  expect([session.profile.name, session.isAssigned]).toEqual(["smooth", false]);
});

test("an admin's share wins over every profile's, until it is taken back", () => {
  const session = allowed("small");
  expect([session.share, session.isShareAssigned]).toEqual([EQUAL, false]);
  session.assignShare(AT_60);
  session.assign(profile("half"));
  expect([session.share, session.isShareAssigned]).toEqual([AT_60, true]);
  session.assignShare(undefined);
  expect([session.share, session.isShareAssigned]).toEqual([HALF, false]);
});

test("profiles that are read again count by their names, the assigned one too", () => {
  const session = allowed("small");
  session.assign(profile("half"));
  session.renew(profilesOf({ small: { frameRate: 12 }, half: { frameRate: 13 } }));
  expect(session.profile.frameRate).toBe(13);
  session.assign(undefined);
  expect(session.profile.frameRate).toBe(12);
});

test("a profile that is gone from the configuration stays as it was", () => {
  const session = allowed("small");
  session.assign(profile("half"));
  session.renew(profilesOf({}));
  expect(session.share).toEqual(HALF);
  session.assign(undefined);
  expect(session.profile).toBe(profile("small"));
});

test.for([
  { name: "small", isPaced: true, viewers: 0, interval: 200, share: EQUAL },
  { name: "small", isPaced: true, viewers: 1, interval: 40, share: EQUAL },
  { name: "small", isPaced: false, viewers: 1, interval: 0, share: EQUAL },
  { name: "smooth", isPaced: true, viewers: 0, interval: 500, share: { ...AT_60, frameRate: 2 } },
  { name: "smooth", isPaced: true, viewers: 2, interval: 20, share: { ...AT_60, frameRate: 50 } },
  { name: "smooth", isPaced: false, viewers: 0, interval: 0, share: AT_60 },
  { name: "faster-unwatched", isPaced: true, viewers: 0, interval: 100, share: EQUAL },
])(
  "profile $name (paced: $isPaced) gives a tick each $interval ms with $viewers viewers, and its share at that rate",
  ({ name, isPaced, viewers, interval, share }) => {
    const session = allowed(name, isPaced);
    expect(session.interval(viewers)).toBe(interval);
    expect(session.shareWith(viewers)).toEqual(share);
  },
);
