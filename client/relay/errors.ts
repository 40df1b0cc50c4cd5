/** The relay can't do its work as it is set up; the message is a sentence that says what to change. */
export class RelayError extends Error {
  override name = "RelayError" as const;
}

/** The gateway can't be reached or says no. A lasting refusal is the same however often it is asked. */
export class GatewayError extends Error {
  override name = "GatewayError" as const;
  readonly lasting: boolean;

  constructor(message: string, lasting: boolean, options?: ErrorOptions) {
    super(message, options);
    this.lasting = lasting;
  }
}
