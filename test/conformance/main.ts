import { Measurement } from "./measurement.ts";
import { parseOptions } from "./options.ts";
import { SuiteError } from "./suite-error.ts";

// npm run conformance -- --cts FOLDER --query QUERY [--query QUERY] [options]
//
// Runs the WebGPU conformance suite on Dawn directly and as a guest, case by case on the same software
// GPU, and says what differs. Results are kept in a folder: what is there is not run again.

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());

try {
  const options = parseOptions(process.argv.slice(2));
  const stop = AbortSignal.any([stopped.signal, AbortSignal.timeout(options.seconds * 1000)]);
  const { text, regressions } = await new Measurement(options, stop).run();
  process.stdout.write(text);
  if (regressions > 0) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof SuiteError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
