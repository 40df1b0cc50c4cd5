import { expect, test } from "vitest";
import { changesSentence, configChanges } from "#server/config/changes.ts";
import { resolveConfig } from "#server/config/config.ts";

const environment = {
  configFile: undefined,
  stateFolder: "/state",
  cacheFolder: "/cache",
  runtimeFolder: "/run",
};
const parse = (text: string) => resolveConfig(environment, {}, { file: "/h.yaml", text });

const STARTED = "port: 1\nprofiles: { small: { frameRate: 10 }, big: {} }";

test.for([
  { what: "nothing but a comment", next: `# hello\n${STARTED}`, says: "no profile changed." },
  {
    what: "a profile",
    next: "port: 1\nprofiles: { small: { frameRate: 20 }, big: {} }",
    says: "of profiles, small changed.",
  },
  {
    what: "which profiles there are",
    next: "port: 1\nprofiles: { tiny: {}, huge: {} }",
    says: "of profiles, tiny and huge are new, small and big are gone.",
  },
  {
    what: "the default profile, which is there always",
    next: "port: 1\nprofiles: { small: { frameRate: 10 }, big: {}, default: { objects: 5 } }",
    says: "of profiles, default changed.",
  },
  {
    what: "what is in all profiles",
    next: `unwatchedFrameRate: 5\n${STARTED}`,
    says: "of profiles, default and small and big changed.",
  },
  {
    what: "what can't change while the gateway runs",
    next: `${STARTED.replace("port: 1", "port: 2")}\ntls: { cert: a, key: b }\ndoors: { strangers: 9 }`,
    says: "no profile changed. doors, port, tls can't change while the gateway runs: restart it for that.",
  },
])("the log tells what changed: $what", ({ next, says }) => {
  const started = parse(STARTED);
  const sentence = changesSentence(configChanges(started, started.profiles, parse(next)));
  expect(sentence).toBe(`The configuration was read again: ${says}`);
});

test("what counts already is told once, and what waits for the next start each time", () => {
  const started = parse(STARTED);
  const next = parse("port: 2\nprofiles: { small: { frameRate: 20 }, big: {} }");
  expect(configChanges(started, next.profiles, next)).toEqual({
    added: [],
    changed: [],
    removed: [],
    later: ["port"],
  });
});
