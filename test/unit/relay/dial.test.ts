import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkGateway, dialGateway, MAX_SENTENCE_CHARACTERS } from "#client/relay/dial.ts";
import { parseGatewayAddress } from "#client/relay/gateway-address.ts";

// A server that refuses all, as a gateway may, or a stranger at its address.

let server: Server;
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((_request, response) => {
    response.writeHead(403, { "Content-Type": "text/plain; charset=utf-8" });
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function address() {
  const bound = server.address();
  if (typeof bound !== "object" || bound === null) throw new Error("No port.");
  return parseGatewayAddress(`http://127.0.0.1:${bound.port}`);
}

const token = () => Promise.resolve("token");
const LONGEST = "x".repeat(MAX_SENTENCE_CHARACTERS);

const refusals: readonly {
  readonly what: string;
  readonly answer: (response: ServerResponse) => void;
  readonly said: string;
}[] = [
  { what: "short", answer: (response) => response.end("Go away."), said: "Go away." },
  { what: "as long as the limit", answer: (response) => response.end(LONGEST), said: LONGEST },
  {
    what: "one character longer, which is left out",
    answer: (response) => response.end(`${LONGEST}y`),
    said: LONGEST,
  },
  {
    what: "without end, of which no more is waited for",
    answer: (response) => response.write(`${LONGEST}y`),
    said: LONGEST,
  },
];

describe.for([
  { who: "a check of the gateway", dial: checkGateway },
  { who: "a program's dialling", dial: dialGateway },
])("$who tells a refusal that is", ({ dial }) => {
  test.for(refusals)("$what", async ({ answer: each, said }) => {
    answer = each;
    await expect(dial(address(), token)).rejects.toThrow(
      expect.objectContaining({ message: `The gateway refuses (403): ${said}` }),
    );
  });
});
