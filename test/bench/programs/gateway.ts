import { parseArgs } from "node:util";
import { loadConfig } from "#server/config/config.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { Gateway } from "#server/main/gateway.ts";
import { openLog } from "#server/observe/logger.ts";
import type { BenchStats } from "../gateway-stats.ts";

// `heliograph serve` that also prints, about once a second, what workers and media threads measured.

const { values } = parseArgs({
  options: {
    config: { type: "string" },
    "state-dir": { type: "string" },
    port: { type: "string" },
  },
});

function print(stats: BenchStats): void {
  process.stdout.write(`stats ${JSON.stringify(stats)}\n`);
}

const log = openLog("warn", false);
const gateway = await Gateway.start(
  await loadConfig(readGatewayEnvironment(), {
    port: Number(values.port ?? 0),
    ...(values.config === undefined ? {} : { configFile: values.config }),
    ...(values["state-dir"] === undefined ? {} : { stateFolder: values["state-dir"] }),
  }),
  {
    logger: log.logger,
    observer: {
      mediaStats: (_session, { framesSent, packetsLost, presentToSentMs, bitrate }) =>
        print({ from: "media", framesSent, packetsLost, presentToSentMs, bitrate }),
      workerStats: (_session, stages) => print({ from: "worker", stages }),
    },
  },
);
process.stdout.write(`ready ${gateway.url}\n`);
