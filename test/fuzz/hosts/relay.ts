import { parseGatewayAddress } from "#client/relay/gateway-address.ts";
import { Relay } from "#client/relay/relay.ts";
import { Reporter } from "#client/relay/reporter.ts";
import { answer } from "./answer.ts";

// A real relay. Its arguments are the gateway's address and the path of its socket.

const [gateway = "", socketPath = ""] = process.argv.slice(2);
await using relay = await Relay.start({
  address: parseGatewayAddress(gateway),
  token: () => Promise.resolve("a.guest.token"),
  socketPath,
  reporter: new Reporter(() => {}),
});
answer({ socketPath: relay.socketPath });
await new Promise((resolve) => process.once("SIGTERM", resolve));
