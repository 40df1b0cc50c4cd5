import { Worker } from "node:worker_threads";
import { once } from "node:events";
import { expect, test } from "vitest";
import { Blame } from "#server/media/blame.ts";

const MODULE = JSON.stringify(new URL("../../../server/media/blame.ts", import.meta.url).href);

/** What a thread of its own tells, in which the code runs with a `blame` that listens. */
async function told(code: string): Promise<readonly unknown[]> {
  const thread = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const tell = (message) => parentPort.postMessage(message);
     import(${MODULE}).then(({ Blame }) => {
       const blame = new Blame();
       blame.listen();
       ${code}
     });`,
    { eval: true },
  );
  const messages: unknown[] = [];
  thread.on("message", (message: unknown) => messages.push(message));
  thread.on("error", (error: Error) => messages.push(`died: ${error.message}`));
  await once(thread, "exit").catch(() => undefined); // It is told as a message.
  return messages;
}

const BLAMED = "The media thread fails at this viewer: no";

test.for([
  { what: "throws", work: "() => { throw new Error('no'); }" },
  { what: "rejects", work: "async () => { throw new Error('no'); }" },
  { what: "throws in a timer", work: "() => setTimeout(() => { throw new Error('no'); }, 1)" },
  {
    what: "rejects after a timer",
    work: "async () => { await new Promise((resolve) => setTimeout(resolve, 1)); throw new Error('no'); }",
  },
  {
    what: "throws at a datagram",
    work: `() => {
      const socket = require("node:dgram").createSocket("udp4");
      socket.once("message", () => { socket.close(); throw new Error("no"); });
      socket.bind(0, "127.0.0.1", () => socket.send("x", socket.address().port, "127.0.0.1"));
    }`,
  },
])("work that $what ends whom it was for, and the thread goes on", async ({ work }) => {
  const messages = await told(`
    blame.run((sentence) => tell(sentence), ${work});
    blame.run((sentence) => tell("another: " + sentence), () => setTimeout(() => {}, 50));
    setTimeout(() => tell("the thread runs"), 100);`);
  expect(messages).toEqual([BLAMED, "the thread runs"]);
});

test("what is nobody's ends the thread with its error", async () => {
  const messages = await told(`
    blame.run(() => tell("blamed"), () => {});
    setTimeout(() => { throw new Error("no"); }, 1);
    setTimeout(() => tell("the thread runs"), 100);`);
  expect(messages).toEqual(["died: no"]);
});

test("a long reason is cut", () => {
  const sentences: string[] = [];
  new Blame().run(
    (sentence) => sentences.push(sentence),
    () => {
      throw new Error("x".repeat(10_000));
    },
  );
  expect(sentences).toEqual([`The media thread fails at this viewer: ${"x".repeat(500)}`]);
});
