import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { GatewayLink } from "#client/relay/gateway-link.ts";
import { formatControl } from "#shared/link/control.ts";
import { KEPT_UP_BYTES } from "#shared/link/guest-link.ts";
import { CHUNK_COST_BYTES } from "#shared/link/send-buffer.ts";

let gateways: WebSocketServer;
let gateway: WebSocket;
let link: GatewayLink;

const drained = vi.fn<() => void>();

const refuseToDial = () => Promise.reject(new Error("No other link is dialled."));

/** A link whose gateway acknowledges what the test says. */
beforeEach(async () => {
  gateways = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(gateways, "listening");
  const address = gateways.address();
  if (typeof address !== "object" || address === null) throw new Error("No port.");
  const accepted = new Promise<WebSocket>((resolve) => gateways.once("connection", resolve));
  const ws = new WebSocket(`ws://127.0.0.1:${address.port}`);
  await once(ws, "open");
  gateway = await accepted;
  drained.mockClear();
  link = new GatewayLink(ws, refuseToDial, { down: () => {}, drained, ended: () => {} });
});

afterEach(() => {
  link.end("Done.");
  gateway.terminate();
  gateways.close();
});

test.for([
  { what: "one byte less than the limit", kept: KEPT_UP_BYTES - 1, isFull: false },
  { what: "as much as the limit", kept: KEPT_UP_BYTES, isFull: true },
])("a program waits while $what is kept: $isFull", async ({ kept, isFull }) => {
  const first = 1000;
  link.send(new Uint8Array(first));
  link.send(new Uint8Array(kept - first - 2 * CHUNK_COST_BYTES));
  expect(link.isFull).toBe(isFull);
  expect(drained).not.toHaveBeenCalled();
  gateway.send(formatControl({ type: "ack", count: first }));
  await expect.poll(() => drained.mock.calls).toHaveLength(1);
  expect(link.isFull).toBe(false);
});
