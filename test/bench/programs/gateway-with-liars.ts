import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadConfig } from "#server/config/config.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { Gateway } from "#server/main/gateway.ts";
import { openLog } from "#server/observe/logger.ts";

// `heliograph serve` whose workers lie once they are told to: see test/support/lying-worker.ts.

const { values } = parseArgs({
  options: {
    config: { type: "string" },
    "state-dir": { type: "string" },
    port: { type: "string" },
  },
});

const log = openLog("info", false);
const gateway = await Gateway.start(
  await loadConfig(readGatewayEnvironment(), {
    port: Number(values.port ?? 0),
    ...(values.config === undefined ? {} : { configFile: values.config }),
    ...(values["state-dir"] === undefined ? {} : { stateFolder: values["state-dir"] }),
  }),
  {
    logger: log.logger,
    workerMain: fileURLToPath(new URL("../../support/lying-worker.ts", import.meta.url)),
  },
);
process.stdout.write(`ready ${gateway.url}\n`);
