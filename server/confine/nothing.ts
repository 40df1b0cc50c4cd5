// What the gateway runs once at its start, as it runs a worker, to see whether a worker could run so.
process.exitCode = 0;
