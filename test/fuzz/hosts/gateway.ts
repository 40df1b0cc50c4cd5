import { mkdtemp } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import pino from "pino";
import { resolveConfig } from "#server/config/config.ts";
import { Gateway } from "#server/main/gateway.ts";
import { SCRIPTED_WORKER } from "#test/support/gateway.ts";
import { answer, tell } from "./answer.ts";

// A real gateway. Its argument is the kind of its workers, a WorkerKind.

/** Limits by the minute stand in the way of a fuzzer, and nothing else is changed. */
const UNHURRIED = 1_000_000;

const folder = await mkdtemp(path.join(tmpdir(), "heliograph-fuzz-"));
const config = resolveConfig(
  {
    configFile: undefined,
    stateFolder: path.join(folder, "state"),
    cacheFolder: path.join(homedir(), ".cache", "heliograph"),
    runtimeFolder: folder,
  },
  { port: 0 },
  {
    file: path.join(folder, "heliograph.yaml"),
    text: JSON.stringify({
      gpu: "software",
      dawnFlags: process.argv.includes("real") ? ["backend=null"] : [],
      resumeSeconds: 1,
      mediaThreads: 1, // Which all sessions share then.
      workerIdleSeconds: 2,
      doors: {
        attemptsPerMinute: UNHURRIED,
        failuresPerMinute: UNHURRIED,
        joinsPerMinute: UNHURRIED,
        strangersPerAddress: 512,
      },
    }),
  },
);
const logger = pino({ level: "error" }, { write: hear });
await using gateway = await Gateway.start(config, {
  logger,
  ...(process.argv.includes("scripted") ? { workerMain: SCRIPTED_WORKER } : {}),
});
const { ready, sentence } = await gateway.ready();
if (!ready) throw new Error(sentence);
answer({ url: gateway.url, stateFolder: config.stateFolder, folder });
await new Promise((resolve) => process.once("SIGTERM", resolve));

/** What the gateway itself calls a fault of its own is one, though it was contained. */
function hear(line: string): void {
  const {
    event,
    msg = "",
    err,
  }: { event?: string; msg?: string; err?: { stack?: string } } = JSON.parse(line);
  if (event === "worker.ended") tell({ type: "workerEnded", reason: msg });
  if (event === "fault") tell({ type: "fault", sentence: `${msg} ${err?.stack ?? ""}` });
}
