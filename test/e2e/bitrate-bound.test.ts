import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { DEFAULT_BITRATES } from "#server/media/messages.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";

// What a profile's `maxBitrate` makes the media thread ask of the encoder, before there is a viewer.

const PROFILES = {
  default: { maxBitrate: 500_000 },
  small: { maxBitrate: 400_000 },
  free: {},
};

/** Of each profile; the last is the control. */
const ASKED = { default: 500_000, small: 400_000, free: DEFAULT_BITRATES.start };

/** A gateway with one media thread, and that thread. */
async function startGateway(): Promise<{ host: TestGateway; threads: Worker[] }> {
  const threads: Worker[] = [];
  const listener = (thread: Worker): void => void threads.push(thread);
  process.on("worker", listener);
  onTestFinished(() => void process.off("worker", listener));
  const yaml = JSON.stringify({ mediaThreads: 1, profiles: PROFILES });
  return { host: await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml }), threads };
}

/** What the media thread asks of each profile's session for a worker that has just dialled. */
async function bitratesAsked(host: TestGateway): Promise<object> {
  const asked: Record<string, unknown> = {};
  for (const profile of Object.keys(PROFILES)) {
    await using program = await guest(host, profile);
    program.tell({ do: "tellBitrates" });
    const reply = await program.reply();
    asked[profile] = Object(reply).bitrate;
  }
  return asked;
}

async function guest(host: TestGateway, profile: string): Promise<ScriptedGuest> {
  const token = await host.guestToken(`vm-${profile}`, profile);
  return ScriptedGuest.connect({ url: host.url, token });
}

test("each session's encoder is asked for its profile's bound, also after the media thread died", async () => {
  const started = await startGateway();
  await using host = started.host;
  expect(await bitratesAsked(host)).toEqual(ASKED);
  const programs = await Promise.all(Object.keys(PROFILES).map((profile) => guest(host, profile)));
  expect(started.threads).toHaveLength(1);
  await started.threads[0]!.terminate();
  for (const program of programs) {
    expect(await program.goodbye()).toContain("lost its media thread");
  }
  expect(await bitratesAsked(host)).toEqual(ASKED);
});
