import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import ipaddr from "ipaddr.js";

/** As much of a request as says whose it is. */
export type Sender = Pick<IncomingMessage, "headers"> & {
  readonly socket: Pick<Socket, "remoteAddress" | "remotePort">;
};
type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, bits: number];

/** Who has an IPv6 address has its network's other 2^64, too: limits count by network. */
const IPV6_NETWORK_GROUPS = 4;

/** True for "192.0.2.1", "2001:db8::1", and networks such as "192.0.2.0/24". */
export function isAddressOrNetwork(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    return false;
  }
}

/** Tells who sends a request, also behind proxies that the config trusts. */
export class ClientAddresses {
  readonly #proxies: readonly Network[];

  /** Addresses or networks: see isAddressOrNetwork(). */
  constructor(trustedProxies: readonly string[]) {
    this.#proxies = trustedProxies.map(parseNetwork);
  }

  /** What limits count by: an IPv4 address or an IPv6 network. */
  of(request: Sender): string {
    const peer = parse(request.socket.remoteAddress);
    if (peer === undefined) return "unknown";
    let client = peer;
    const forwarded = request.headers["x-forwarded-for"] ?? [];
    const hops = [forwarded].flat().join(",").split(",");
    // Each proxy appends whom it heard from, so what counts is read from the end, as far as it is trusted.
    while (this.#isProxy(client)) {
      const before = parse(hops.pop()?.trim());
      if (before === undefined) break;
      client = before;
    }
    return countedAs(client);
  }

  /** Undefined for a trusted proxy, whose connections are many people's. */
  ofPeer(remoteAddress: string | undefined): string | undefined {
    const peer = parse(remoteAddress);
    if (peer === undefined) return "unknown";
    return this.#isProxy(peer) ? undefined : countedAs(peer);
  }

  #isProxy(address: Address): boolean {
    return this.#proxies.some(([network, bits]) => {
      if (address instanceof ipaddr.IPv4) {
        return network instanceof ipaddr.IPv4 && address.match(network, bits);
      }
      return network instanceof ipaddr.IPv6 && address.match(network, bits);
    });
  }
}

function parse(text: string | undefined): Address | undefined {
  return text !== undefined && ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}

/** Throws where the text is neither an address nor a network. */
function parseNetwork(text: string): Network {
  if (text.includes("/")) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address instanceof ipaddr.IPv4 ? 32 : 128];
}

function countedAs(address: Address): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  const network = address.parts.slice(0, IPV6_NETWORK_GROUPS).map((part) => part.toString(16));
  return `${network.join(":")}::/64`;
}
