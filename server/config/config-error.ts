/** The configuration is wrong: the message names the line and the field, and says what to write instead. */
export class ConfigError extends Error {
  override name = "ConfigError" as const;
}
