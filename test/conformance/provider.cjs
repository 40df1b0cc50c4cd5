"use strict";

// A provider for the conformance suite's Node runner: a guest of Heliograph.
//
//     node out-node/common/runtime/cmdline.js --gpu-provider …/test/conformance/provider.cjs QUERY
//
// The relay is found as by `heliograph run`: HELIOGRAPH_RELAY, or --gpu-provider-flag relay=SOCKET.

const { connectGuest } = require("../../client/guest/index.ts");
const { connectUnix } = require("../../client/guest/node/unix-transport.ts");
const { relaySocketPath } = require("../../client/relay/env.ts");

/** What the runner takes for the sign that the case under way has cost the GPU worker. */
const LOST_STATUS = 70;

const RELAY_FLAG = "relay=";

/** Returns at once: the relay is dialled by the first requestAdapter. */
exports.create = function create(flags) {
  const named = flags.find((flag) => flag.startsWith(RELAY_FLAG))?.slice(RELAY_FLAG.length);
  const socket = named ?? relaySocketPath(process.env);
  const guest = connectGuest({ connect: () => connectUnix(socket), client: "conformance" });
  guest.installGlobals(globalThis);
  void guest.closed.then((sentence) => {
    process.stderr.write(`The connection ended: ${sentence}\n`);
    process.exit(LOST_STATUS);
  });
  return guest.gpu;
};
