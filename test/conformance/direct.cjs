"use strict";

// A provider for the conformance suite's Node runner: Dawn's own binding, which Heliograph is compared with.

/** Dawn's GPU. It must stay reachable for the life of the process, as it does here. */
let gpu;

exports.create = function create(flags) {
  const dawn = require("webgpu");
  Object.assign(globalThis, dawn.globals);
  gpu ??= dawn.create(flags);
  return gpu;
};
