import { GUEST_PATH } from "#shared/link/guest-link.ts";
import { RelayError } from "./errors.ts";

/** Where a gateway is reached: for the WebSockets of programs, and to check the token. */
export type GatewayAddress = {
  readonly webSocket: URL;
  readonly check: URL;
  /** The token would cross a network in the clear. */
  readonly exposed: boolean;
};

const SECURE = new Map([
  ["http:", false],
  ["ws:", false],
  ["https:", true],
  ["wss:", true],
]);

/** Throws RelayError. */
export function parseGatewayAddress(text: string): GatewayAddress {
  const url = URL.parse(text);
  const secure = url === null ? undefined : SECURE.get(url.protocol);
  if (url === null || secure === undefined || url.username !== "" || url.search !== "") {
    throw new RelayError(
      `--gateway (${text}) is no gateway's address: write one such as https://gpu-host:7340.`,
    );
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const base = url.pathname.replace(/\/$/, "") + GUEST_PATH;
  return {
    webSocket: new URL(base, `${secure ? "wss" : "ws"}://${url.host}`),
    check: new URL(base, `${secure ? "https" : "http"}://${url.host}`),
    exposed: !secure && !loopback,
  };
}
