/** The conformance suite is not where it should be, or is asked for what can't be: the message says what to do. */
export class SuiteError extends Error {
  override name = "SuiteError" as const;
}
