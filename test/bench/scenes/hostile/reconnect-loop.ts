import { once } from "node:events";
import { WebSocket } from "ws";
import { GUEST_PATH, GUEST_SUBPROTOCOL } from "#shared/link/guest-link.ts";

// A guest without a relay that connects and goes again, without end and several at once: RECONNECT_URL is the gateway's,
// RECONNECT_TOKEN its token.

const LOOPS = 8;

const { RECONNECT_URL: url = "", RECONNECT_TOKEN: token = "" } = process.env;
const address = url.replace(/^http/, "ws") + GUEST_PATH;
let connected = 0;
let refused = 0;
setInterval(() => console.log(`connected ${connected}, refused ${refused}`), 1000);
await Promise.all(Array.from({ length: LOOPS }, loop));

async function loop(): Promise<never> {
  for (;;) {
    const ws = new WebSocket(address, GUEST_SUBPROTOCOL, {
      headers: { Authorization: `Bearer ${token}` },
    });
    ws.on("error", () => void refused++);
    ws.on("open", () => {
      connected++;
      ws.terminate();
    });
    await once(ws, "close");
  }
}
