import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, test } from "vitest";
import { checkOrigin, MAX_SHOWN_CHARACTERS } from "#server/signaling/origin.ts";

const HOST = "gpu-host:7340";
const PORTAL = "https://portal.example";
const request = (origin: string | undefined, host = HOST): { headers: IncomingHttpHeaders } => ({
  headers: { host, ...(origin === undefined ? {} : { origin }) },
});

describe("a viewer may connect", () => {
  test.for<{ who: string; origin: string | undefined; secure?: boolean; host?: string }>([
    { who: "that is no page", origin: undefined },
    { who: "of the gateway's own page", origin: "http://gpu-host:7340" },
    { who: "of the same, by TLS", origin: "https://gpu-host:7340", secure: true },
    { who: "of the same, by a proxy with TLS", origin: "https://gpu.example", host: "gpu.example" },
    { who: "of a page that the config names", origin: PORTAL, secure: true },
  ])("$who", ({ origin, secure = false, host }) => {
    expect(() => {
      checkOrigin(request(origin, host), { secure, allowed: [PORTAL] });
    }).not.toThrow();
  });
});

describe("a viewer may not connect", () => {
  test.for<{ who: string; origin: string; secure?: boolean }>([
    { who: "of another site", origin: "https://evil.example" },
    { who: "of another port", origin: "http://gpu-host:7341" },
    {
      who: "of a page without TLS at a gateway with it",
      origin: "http://gpu-host:7340",
      secure: true,
    },
    { who: "of a sandboxed page", origin: "null" },
    { who: "of the portal without TLS", origin: "http://portal.example" },
    { who: "of a host that starts as the portal does", origin: "https://portal.example.evil" },
    { who: "of nonsense", origin: "\u0000".repeat(200) },
    { who: "of a file", origin: "file://gpu-host:7340" },
  ])("$who", ({ origin, secure = false }) => {
    const check = () => checkOrigin(request(origin), { secure, allowed: [PORTAL] });
    expect(check).toThrow(/^Pages of ".*" may not connect here: open the viewer .*doors\.origins/s);
    expect(check).toThrow(expect.objectContaining({ status: 403 }));
  });
});

test.for([
  { what: "the limit", length: MAX_SHOWN_CHARACTERS },
  { what: "one over the limit, without its end", length: MAX_SHOWN_CHARACTERS + 1 },
])("of an origin it is said back what is no longer than the limit: $what", ({ length }) => {
  const check = () => checkOrigin(request("x".repeat(length)), { secure: false, allowed: [] });
  expect(check).toThrow(`Pages of "${"x".repeat(MAX_SHOWN_CHARACTERS)}" may not connect here`);
});
