import { expect, test } from "vitest";
import { readWorkerEnvironment } from "#server/worker/env.ts";

const environment = {
  HELIOGRAPH_WORKER_SOCKET: "/run/worker.sock",
  HELIOGRAPH_WORKER_NONCE: "01".repeat(32),
  HELIOGRAPH_MEDIA_SOCKET: "/run/media.sock",
  HELIOGRAPH_MEDIA_NONCE: "02".repeat(32),
};

test("reads what the gateway sets", () => {
  const read = readWorkerEnvironment({ ...environment, HELIOGRAPH_DAWN_FLAGS: "backend=null" });
  expect(read).toMatchObject({ workerSocket: "/run/worker.sock", dawnFlags: ["backend=null"] });
  expect([...read.mediaNonce]).toEqual(Array.from({ length: 32 }, () => 2));
  expect(readWorkerEnvironment(environment).dawnFlags).toEqual([]);
});

test.for([
  { name: "HELIOGRAPH_WORKER_SOCKET", value: undefined, says: "is not set" },
  { name: "HELIOGRAPH_MEDIA_SOCKET", value: "", says: "is not set" },
  { name: "HELIOGRAPH_WORKER_NONCE", value: "01".repeat(31), says: "holds 31 bytes" },
  { name: "HELIOGRAPH_MEDIA_NONCE", value: "zz".repeat(32), says: "holds 0 bytes" },
])("refuses $name = $value with a sentence", ({ name, value, says }) => {
  expect(() => readWorkerEnvironment({ ...environment, [name]: value })).toThrow(
    new RegExp(`${name} ${says}`),
  );
});
