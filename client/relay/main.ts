import { printable } from "#shared/base/printable.ts";
import { GatewayError, RelayError } from "./errors.ts";
import { readRelayEnvironment } from "./env.ts";
import { parseGatewayAddress } from "./gateway-address.ts";
import { Relay } from "./relay.ts";
import { Reporter } from "./reporter.ts";
import { tokenSource } from "./token.ts";

export type RelayCommand = {
  readonly gateway: string;
  readonly tokenFile?: string | undefined;
  readonly socket?: string | undefined;
};

/** `heliograph relay`: runs until a signal. Resolves with the exit code. */
export async function runRelay(command: RelayCommand): Promise<number> {
  const reporter = new Reporter((line) => {
    process.stderr.write(`heliograph relay: ${printable(line)}\n`);
  });
  try {
    const environment = readRelayEnvironment();
    const address = parseGatewayAddress(command.gateway);
    if (address.exposed) {
      reporter.note("The token crosses the network in the clear: use an https:// gateway.");
    }
    await using relay = await Relay.start({
      address,
      token: tokenSource(command.tokenFile, environment.token),
      socketPath: command.socket ?? environment.socketPath,
      reporter,
    });
    // Supervisors wait for this line; it is all that the relay prints on standard output.
    process.stdout.write(`ready ${relay.socketPath}\n`);
    await stopSignal();
    return 0;
  } catch (error) {
    if (!(error instanceof RelayError || error instanceof GatewayError)) throw error;
    reporter.problem(error.message);
    return 1;
  }
}

async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve()).once("SIGTERM", () => resolve());
  });
}
