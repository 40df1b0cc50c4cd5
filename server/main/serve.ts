import module from "node:module";
import { SigningKeyError } from "#server/auth/signing-keys.ts";
import { TokenJournalError } from "#server/auth/token-journal.ts";
import {
  type Config,
  type ConfigOverrides,
  readConfig,
  readConfigFile,
  resolveConfig,
} from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import type { ConfigSource } from "#server/config/config-text.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { iceOptions } from "#server/config/ice.ts";
import { Events } from "#server/observe/events.ts";
import { openLog } from "#server/observe/logger.ts";
import { ConfigWatch } from "./config-watch.ts";
import { Gateway } from "./gateway.ts";

/** `heliograph serve`: runs until a signal. Resolves with the exit code. */
export async function serve(overrides: ConfigOverrides): Promise<number> {
  try {
    const environment = readGatewayEnvironment();
    const source = await readConfig(environment, overrides);
    const resolve = (read: ConfigSource | undefined): Config => {
      const config = resolveConfig(environment, overrides, read);
      iceOptions(config); // Throws where its ports are out of order.
      return config;
    };
    const config = resolve(source);
    const log = openLog(config.logLevel, process.stderr.isTTY);
    // Dies of it, and with it the workers; but the reason is written before.
    process.once("uncaughtExceptionMonitor", (error) => {
      log.logger.fatal({ err: error }, "The gateway ends: a fault of its own.");
      log.close();
    });
    try {
      await using gateway = await Gateway.start(config, { logger: log.logger });
      let reason: string;
      {
        using _ = source && watchConfig(gateway, new Events(log.logger), source, resolve);
        // Supervisors wait for this line; it is all that the gateway prints on standard output.
        process.stdout.write(`ready ${gateway.url}\n`);
        module.flushCompileCache(); // A gateway may not live to write it at its end.
        reason = await stopSignal();
      }
      await gateway.close(reason);
      return 0;
    } finally {
      log.close();
    }
  } catch (error) {
    const toBeChanged =
      error instanceof ConfigError ||
      error instanceof SigningKeyError ||
      error instanceof TokenJournalError;
    if (!toBeChanged) throw error;
    process.stderr.write(`heliograph serve: ${error.message}\n`);
    return 1;
  }
}

/** The file's changes, and SIGHUP, which would end a gateway that has no file. */
function watchConfig(
  gateway: Gateway,
  events: Events,
  source: ConfigSource,
  resolve: (source: ConfigSource) => Config,
): Disposable {
  const watch = new ConfigWatch({
    source,
    read: readConfigFile,
    resolve,
    changed: (config) => gateway.reconfigure(config),
    refused: (reason) => events.configRefused(reason),
    failed: (error) => events.fault("The configuration can't be read again.", error),
  });
  const reread = () => watch.reread();
  process.on("SIGHUP", reread);
  return {
    [Symbol.dispose]: () => {
      process.off("SIGHUP", reread);
      watch[Symbol.dispose]();
    },
  };
}

async function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => resolve(`${signal} arrived.`));
    }
  });
}
