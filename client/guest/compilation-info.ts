import {
  constructKey,
  type ConstructKey,
  defineInterface,
  requireConstructKey,
} from "./interface.ts";

export type CompilationMessage = {
  readonly message: string;
  readonly type: GPUCompilationMessageType;
  readonly lineNum: number;
  readonly linePos: number;
  readonly offset: number;
  readonly length: number;
};

export class GPUCompilationMessage implements globalThis.GPUCompilationMessage {
  readonly #message: CompilationMessage;
  declare readonly __brand: "GPUCompilationMessage";

  constructor(key: ConstructKey, message: CompilationMessage) {
    requireConstructKey(key);
    this.#message = message;
  }

  get message(): string {
    return this.#message.message;
  }

  get type(): GPUCompilationMessageType {
    return this.#message.type;
  }

  get lineNum(): number {
    return this.#message.lineNum;
  }

  get linePos(): number {
    return this.#message.linePos;
  }

  get offset(): number {
    return this.#message.offset;
  }

  get length(): number {
    return this.#message.length;
  }

  static {
    defineInterface(this);
  }
}

export class GPUCompilationInfo implements globalThis.GPUCompilationInfo {
  readonly #messages: readonly GPUCompilationMessage[];
  declare readonly __brand: "GPUCompilationInfo";

  constructor(key: ConstructKey, messages: readonly CompilationMessage[]) {
    requireConstructKey(key);
    this.#messages = Object.freeze(
      messages.map((message) => new GPUCompilationMessage(constructKey, message)),
    );
  }

  get messages(): readonly GPUCompilationMessage[] {
    return this.#messages;
  }

  static {
    defineInterface(this);
  }
}
