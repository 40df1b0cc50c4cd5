const FILTERS = ["validation", "out-of-memory", "internal"] as const;

/** Error scopes around what capture does on a guest's device, so that the guest hears none of it. */
export class OwnErrors {
  readonly #device: GPUDevice;
  #scopes: Promise<boolean>[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
    for (const filter of FILTERS) device.pushErrorScope(filter);
  }

  /** Ends the scopes: to be called in the same turn, before the guest's own push or pop. */
  pop(): void {
    this.#scopes = FILTERS.map(() =>
      this.#device.popErrorScope().then(
        (error) => error !== null,
        () => true,
      ),
    );
  }

  async any(): Promise<boolean> {
    return (await Promise.all(this.#scopes)).includes(true);
  }
}
