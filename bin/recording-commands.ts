import { Command, Option } from "commander";

const DEFAULT_GATEWAY = "http://127.0.0.1:7340";

/** `heliograph record`: has this machine's running gateway record a session's programs. */
export function recordCommand(): Command {
  type Options = { session: string; off?: boolean; reset?: boolean; gateway: string };
  return new Command("record")
    .description("Records what a session's programs send from their start on.")
    .requiredOption("--session <name>", "the session, which is one VM")
    .addOption(new Option("--off", "records no further program").conflicts("reset"))
    .option("--reset", "records or not as the session's profile says")
    .option("--gateway <url>", "the running gateway of this machine", DEFAULT_GATEWAY)
    .option("--state-dir <folder>", "the gateway's, where its keys and tokens are")
    .action(async ({ session, off, reset, gateway, stateDir }: Options & { stateDir?: string }) => {
      const { record } = await import("#server/main/record.ts");
      process.exitCode = await record({
        gateway,
        session,
        on: reset === true ? undefined : off !== true,
        stateFolder: stateDir,
      });
    });
}
