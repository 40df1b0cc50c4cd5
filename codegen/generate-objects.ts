import type { Context, GeneratedFile } from "./context.ts";
import { BANNER } from "./emit.ts";

/** What stands for an object on either side, and how the decoder finds one. */
export function generateObjects({ objects }: Context): readonly GeneratedFile[] {
  const each = (line: (name: string) => string): string => objects.map(line).join("\n");
  const text = `${BANNER}import type { ObjectKind } from "./numbers.ts";

/** What stands for an object of each interface. Descriptors and commands are generic over it. */
export type ObjectMap = { ${each((name) => `${name}: unknown;`)} };

/** What the encoder wants of an object. */
export type ObjectRefs = {
  [K in keyof ObjectMap]: { readonly kind: (typeof ObjectKind)[K]; readonly id: number };
};

/**
 * Where the decoder finds the objects that ids name; each method throws a ProtocolError where the
 * id names none.
 */
export interface ObjectResolver<M extends ObjectMap> {
  ${each((name) => `${name}(id: number): M["${name}"];`)}
  /** The staged payload, which must have exactly this length: the command takes it. */
  takePayload(length: number): Uint8Array;
}
`;
  return [{ path: "shared/wire/gen/objects.ts", text }];
}
