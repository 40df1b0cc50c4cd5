import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Tokens } from "#server/auth/tokens.ts";
import { HostReport } from "#shared/admin/messages.ts";
import { SessionReport } from "#shared/admin/session-report.ts";
import { frameRate } from "#test/bench/frame-rate.ts";
import { Stack } from "#test/support/stack.ts";

// A gateway whose configuration's file is edited while it runs.

const LOAD = fileURLToPath(new URL("../bench/scenes/load.js", import.meta.url));

test("a profile that is edited counts in a session that runs; a mistake is refused and changes nothing", async () => {
  await using stack = await Stack.start({ config: profile({ unwatchedFrameRate: 20 }) });
  const tokens = await Tokens.open(stack.folder);
  const admin = await tokens.issue({ role: "admin", session: "*" }, 3600);
  const ask = async (what: string): Promise<unknown> => {
    const headers = { Authorization: `Bearer ${admin}` };
    return (await fetch(`${stack.url}/api/admin${what}`, { headers })).json();
  };
  const write = (text: string) => writeFile(path.join(stack.folder, "config.yaml"), text);
  const program = stack.run(LOAD, { args: ["--size=160x120"], env: { LOAD_ROUNDS: "10" } });
  await program.line(/^bench-frames/);
  expect(await frameRate(program, 1500)).toBeGreaterThan(10);

  await write(
    `${JSON.stringify(profile({ unwatchedFrameRate: 2, share: { policy: "best-effort" } }))}\n`,
  );
  await stack.gateway.line(/"event":"config.changed".*of profiles, default changed\./);
  expect(SessionReport.parse(await ask("/sessions/vm")).share).toEqual({ policy: "best-effort" });
  expect(await frameRate(program, 2500)).toBeLessThan(5);

  await write("profiles:\n  default: {}\n  other:\n    frameRate: 0\n");
  const [refusal] = await stack.gateway.line(/"event":"config.refused".*/);
  expect(refusal).toMatch(/config\.yaml:4: profiles\.other\.frameRate is wrong: .*from 1 to 240/);
  expect(HostReport.parse(await ask("/host")).profiles).toEqual(["default"]);
  expect(SessionReport.parse(await ask("/sessions/vm")).share).toEqual({ policy: "best-effort" });

  await write("port: 1\nprofiles: { default: { unwatchedFrameRate: 20 }, other: {} }\n");
  await stack.gateway.line(/default changed, other is new\./);
  expect(HostReport.parse(await ask("/host")).profiles).toEqual(["default", "other"]);
  expect(await frameRate(program, 1500)).toBeGreaterThan(10);
  expect(program.process.exitCode).toBeNull();
});

test("SIGHUP has it read again, and what can't change while the gateway runs is named", async () => {
  await using stack = await Stack.start({ config: { logLevel: "info", mediaThreads: 1 } });
  await writeFile(
    path.join(stack.folder, "config.yaml"),
    "mediaThreads: 2\ntls: { cert: a.pem, key: b.pem }\n",
  );
  const says = /no profile changed\. mediaThreads, tls can't change while the gateway runs/;
  await stack.gateway.line(says);
  stack.gateway.process.kill("SIGHUP");
  const told = () => stack.gateway.lines.filter((line) => says.test(line)).length;
  while (told() < 2) await stack.gateway.moreLinesThan(stack.gateway.lines.length);
  expect((await fetch(`${stack.url}/healthz`)).status).toBe(200);
});

function profile(settings: object): object {
  return { profiles: { default: settings } };
}
