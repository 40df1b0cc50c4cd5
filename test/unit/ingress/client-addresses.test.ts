import { expect, test } from "vitest";
import {
  ClientAddresses,
  isAddressOrNetwork,
  type Sender,
} from "#server/ingress/client-addresses.ts";

function request(remoteAddress: string | undefined, forwarded?: string): Sender {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return { socket: { remoteAddress, remotePort: 1 }, headers };
}

const PROXIES = ["10.0.0.1", "fd00::/8"];

test.for<{
  who: string;
  peer: string | undefined;
  forwarded?: string;
  proxies?: string[];
  is: string;
}>([
  { who: "an IPv4 peer", peer: "192.0.2.7", is: "192.0.2.7" },
  { who: "the same by an IPv6 socket", peer: "::ffff:192.0.2.7", is: "192.0.2.7" },
  { who: "an IPv6 peer", peer: "2001:db8:1:2:3:4:5:6", is: "2001:db8:1:2::/64" },
  { who: "another of its network", peer: "2001:db8:1:2::1", is: "2001:db8:1:2::/64" },
  { who: "the next network", peer: "2001:db8:1:3::1", is: "2001:db8:1:3::/64" },
  { who: "a peer that is gone", peer: undefined, is: "unknown" },
  { who: "who says to be another", peer: "192.0.2.7", forwarded: "198.51.100.1", is: "192.0.2.7" },
  {
    who: "who says so to a gateway with proxies",
    peer: "192.0.2.7",
    forwarded: "198.51.100.1",
    proxies: PROXIES,
    is: "192.0.2.7",
  },
  {
    who: "who comes by a proxy",
    peer: "10.0.0.1",
    forwarded: "192.0.2.7",
    proxies: PROXIES,
    is: "192.0.2.7",
  },
  {
    who: "who comes by two and says to be another",
    peer: "10.0.0.1",
    forwarded: "198.51.100.1, 192.0.2.7, fd00::2",
    proxies: PROXIES,
    is: "192.0.2.7",
  },
  { who: "a proxy of itself", peer: "10.0.0.1", proxies: PROXIES, is: "10.0.0.1" },
  {
    who: "who comes by a proxy that writes nonsense",
    peer: "10.0.0.1",
    forwarded: "192.0.2.7, nonsense",
    proxies: PROXIES,
    is: "10.0.0.1",
  },
])("$who counts as $is", ({ peer, forwarded, proxies = [], is }) => {
  expect(new ClientAddresses(proxies).of(request(peer, forwarded))).toBe(is);
});

test("a connection of a proxy counts for nobody alone", () => {
  const addresses = new ClientAddresses(PROXIES);
  expect(addresses.ofPeer("10.0.0.1")).toBeUndefined();
  expect(addresses.ofPeer("10.0.0.2")).toBe("10.0.0.2");
});

test.for([
  { text: "192.0.2.1", taken: true },
  { text: "192.0.2.0/24", taken: true },
  { text: "2001:db8::/32", taken: true },
  { text: "192.0.2.0/33", taken: false },
  { text: "proxy.example", taken: false },
  { text: "", taken: false },
])("$text is an address or network: $taken", ({ text, taken }) => {
  expect(isAddressOrNetwork(text)).toBe(taken);
});
