import { once } from "node:events";
import { SCRIPTED_WORKER, TestGateway } from "./gateway.ts";

// A gateway in a process of its own, with scripted workers: for tests that measure it or kill it. Prints
// one line of JSON, and ends when its standard input does.

await using host = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
await host.gateway.ready();
const token = await host.guestToken("process");
process.stdout.write(`${JSON.stringify({ url: host.url, token })}\n`);
process.stdin.resume();
await once(process.stdin, "end");
