import { expect, test } from "vitest";
import { resolveConfig } from "#server/config/config.ts";
import { secretsOf } from "#server/config/secrets.ts";

const ENVIRONMENT = {
  configFile: undefined,
  stateFolder: "/state",
  cacheFolder: "/cache",
  runtimeFolder: "/run",
};

test.for([
  { what: "the defaults", text: undefined, secrets: ["/state", "/state/recordings"] },
  {
    what: "a file that may have a TURN server's credential",
    text: "ice: { servers: [{ urls: 'turn:t', username: u, credential: c }] }",
    secrets: ["/state", "/state/recordings", "/usr/local/etc/h.yaml"],
  },
  {
    what: "a key and a folder of its own for recordings",
    text: "{ tls: { cert: c.pem, key: k.pem }, recordings: { folder: r } }",
    secrets: ["/state", "/usr/local/etc/r", "/usr/local/etc/k.pem", "/usr/local/etc/h.yaml"],
  },
])("of a gateway with $what, no worker may read $secrets", ({ text, secrets }) => {
  const source = text === undefined ? undefined : { file: "/usr/local/etc/h.yaml", text };
  expect(secretsOf(resolveConfig(ENVIRONMENT, {}, source))).toEqual(secrets);
});
