import module from "node:module";

// What the gateway runs once after each change of the code: loads what a worker loads, so that Node's compile cache has
// it. Workers only read that cache: a guest that took one over would choose the code of all.

await Promise.all([import("./paced-poller.ts"), import("./worker.ts")]);
module.flushCompileCache();
