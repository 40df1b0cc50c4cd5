import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { TcpProxy } from "#test/support/tcp-proxy.ts";

/** A timer may fire up to a millisecond early by another clock, once each way. */
const CLOCK_MS = 2;

test.each([0, 2, 20])(
  "A proxy of %i ms delays what passes, each way, and keeps its order.",
  async (delay) => {
    const server = createServer((socket: Socket) => {
      socket.pipe(socket);
      socket.on("error", () => {}); // The proxy's end resets it.
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("No port.");
    await using proxy = await TcpProxy.start(address.port, delay);
    const near = connect(proxy.port, "127.0.0.1");
    near.setNoDelay();
    await once(near, "connect");

    const began = performance.now();
    const sent = Array.from({ length: 100 }, (_, index) => `${index},`).join("");
    for (const part of sent.match(/\d+,/g) ?? []) near.write(part);
    let echoed = "";
    while (echoed.length < sent.length) echoed += String((await once(near, "data"))[0]);

    expect(echoed).toBe(sent);
    expect(performance.now() - began).toBeGreaterThanOrEqual(2 * delay - CLOCK_MS);
    near.destroy();
    server.close();
  },
);
