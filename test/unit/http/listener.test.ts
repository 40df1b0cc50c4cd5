import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Listener, MAX_SOCKETS } from "#server/http/listener.ts";

test("as many sockets are open as the limit, one more is closed, and there is room once one ends", async () => {
  const strangers = { max: MAX_SOCKETS, maxPerAddress: MAX_SOCKETS, address: String };
  await using listener = await Listener.create(undefined, strangers);
  const { port } = await listener.listen("127.0.0.1", 0);
  expect(listener.server.maxConnections).toBe(MAX_SOCKETS);
  // Node counts them; the limit's own number would take seconds to dial.
  const most = 3;
  listener.server.maxConnections = most;
  let accepted = 0;
  listener.server.on("connection", () => accepted++);
  const dialled: Socket[] = [];
  const dial = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1").resume();
    dialled.push(socket);
    await once(socket, "connect");
    return socket;
  };
  try {
    for (let open = 0; open < most; open++) {
      await Promise.all([dial(), once(listener.server, "connection")]);
    }
    const [oneMore] = await Promise.all([dial(), once(listener.server, "drop")]);
    if (!oneMore.closed) await once(oneMore, "close");
    expect(accepted).toBe(most);
    expect(dialled.filter(({ destroyed }) => destroyed)).toEqual([oneMore]);
    await once(dialled[0]!.end(), "close");
    await Promise.all([dial(), once(listener.server, "connection")]);
    expect(accepted).toBe(most + 1);
  } finally {
    for (const socket of dialled) socket.destroy();
  }
});
