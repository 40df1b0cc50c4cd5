// webidl2 ships no types of its own. These are the parts of its syntax tree that the model reads.
declare module "webidl2" {
  export type ExtendedAttribute = { readonly name: string };

  /** A name ("union": false, "generic": ""), a union, or a generic such as sequence<T>. */
  export type IdlType = {
    readonly extAttrs: readonly ExtendedAttribute[];
    readonly generic: string;
    readonly nullable: boolean;
    readonly union: boolean;
    readonly idlType: string | readonly IdlType[];
  };

  export type Value =
    | { readonly type: "string" | "number"; readonly value: string }
    | { readonly type: "boolean"; readonly value: boolean }
    | { readonly type: "dictionary" | "sequence" | "null" };

  export type Field = {
    readonly type: "field";
    readonly name: string;
    readonly extAttrs: readonly ExtendedAttribute[];
    readonly idlType: IdlType;
    readonly default: Value | null;
    readonly required: boolean;
  };

  export type Argument = {
    readonly name: string;
    readonly extAttrs: readonly ExtendedAttribute[];
    readonly idlType: IdlType;
    readonly default: Value | null;
    readonly optional: boolean;
  };

  export type Member =
    | {
        readonly type: "operation";
        readonly name: string;
        readonly extAttrs: readonly ExtendedAttribute[];
        readonly idlType: IdlType;
        readonly arguments: readonly Argument[];
      }
    | {
        readonly type: "attribute";
        readonly name: string;
        readonly extAttrs: readonly ExtendedAttribute[];
        readonly idlType: IdlType;
        readonly readonly: boolean;
      }
    | { readonly type: "constructor"; readonly arguments: readonly Argument[] }
    | { readonly type: "setlike"; readonly idlType: readonly IdlType[] }
    | { readonly type: "const"; readonly name: string; readonly value: Value };

  export type Definition =
    | { readonly type: "typedef"; readonly name: string; readonly idlType: IdlType }
    | {
        readonly type: "dictionary";
        readonly name: string;
        readonly inheritance: string | null;
        readonly members: readonly Field[];
      }
    | {
        readonly type: "interface" | "interface mixin" | "namespace";
        readonly name: string;
        readonly inheritance: string | null;
        readonly partial: boolean;
        readonly members: readonly Member[];
      }
    | {
        readonly type: "enum";
        readonly name: string;
        readonly values: readonly { readonly value: string }[];
      }
    | { readonly type: "includes"; readonly target: string; readonly includes: string };

  export function parse(text: string): Definition[];
}
