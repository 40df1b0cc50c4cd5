import { SigningKeyError } from "#server/auth/signing-keys.ts";
import { TokenJournalError } from "#server/auth/token-journal.ts";
import { type ConfigOverrides, loadConfig } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { openLog } from "#server/observe/logger.ts";
import { Gateway } from "./gateway.ts";

/** `heliograph serve`: runs until a signal. Resolves with the exit code. */
export async function serve(overrides: ConfigOverrides): Promise<number> {
  try {
    const config = await loadConfig(readGatewayEnvironment(), overrides);
    const log = openLog(config.logLevel, process.stderr.isTTY);
    // Dies of it, and with it the workers; but the reason is written before.
    process.once("uncaughtExceptionMonitor", (error) => {
      log.logger.fatal({ err: error }, "The gateway ends: a fault of its own.");
      log.close();
    });
    try {
      await using gateway = await Gateway.start(config, { logger: log.logger });
      // Supervisors wait for this line; it is all that the gateway prints on standard output.
      process.stdout.write(`ready ${gateway.url}\n`);
      await gateway.close(await stopSignal());
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

async function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => resolve(`${signal} arrived.`));
    }
  });
}
