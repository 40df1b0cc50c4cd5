// Loaded before a command that the demo starts (`--import`): when the demo is gone, even killed, the
// channel to it closes, and the command ends as if it had been asked to.

process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
