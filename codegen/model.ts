import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  parse,
  type Argument as IdlArgument,
  type Definition,
  type Member as IdlMember,
} from "webidl2";
import { TypeResolver, resolveDefault, type Default, type Type } from "./types.ts";

// The WebGPU specification's WebIDL as a typed model: mixins and partials merged, typedefs
// resolved, overloads gathered. Nothing here knows of the wire.

export type { Default, Type } from "./types.ts";

export type Enum = { readonly name: string; readonly values: readonly string[] };

export type Member = {
  readonly name: string;
  readonly type: Type;
  readonly required: boolean;
  readonly default: Default | undefined;
};

export type Dictionary = {
  readonly name: string;
  readonly inherits: string | undefined;
  /** Inherited members first, each level in lexicographical order: the order of WebIDL conversion. */
  readonly members: readonly Member[];
};

export type Argument = {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
  readonly default: Default | undefined;
};

export type Overload = {
  readonly arguments: readonly Argument[];
  /** What a promise resolves to, where `isPromise`. */
  readonly returns: Type;
  readonly isPromise: boolean;
};

export type Method = { readonly name: string; readonly overloads: readonly Overload[] };

type Attribute = {
  readonly name: string;
  readonly type: Type;
  readonly readonly: boolean;
  readonly isPromise: boolean;
  readonly sameObject: boolean;
};

export type Interface = {
  readonly name: string;
  readonly inherits: string | undefined;
  /** Of GPUObjectBase: has a label. */
  readonly labelled: boolean;
  readonly constructorArguments: readonly Argument[] | undefined;
  readonly methods: readonly Method[];
  readonly attributes: readonly Attribute[];
  readonly setlike: Type | undefined;
};

/** A namespace of flags, such as GPUBufferUsage. */
type Namespace = {
  readonly name: string;
  readonly constants: readonly { readonly name: string; readonly value: number }[];
};

export type Model = {
  readonly enums: ReadonlyMap<string, Enum>;
  readonly dictionaries: ReadonlyMap<string, Dictionary>;
  readonly interfaces: ReadonlyMap<string, Interface>;
  readonly namespaces: ReadonlyMap<string, Namespace>;
};

/** What WebGPU takes from other specifications: the file of @webref/idl and the names used. */
const BORROWED = [{ file: "html.idl", names: ["PredefinedColorSpace"] }];

export async function loadModel(): Promise<Model> {
  const definitions = parse(await readIdl("webgpu.idl"));
  for (const { file, names } of BORROWED) {
    const wanted = new Set(names);
    const borrowed = parse(await readIdl(file)).filter(
      (definition) => definition.type === "enum" && wanted.has(definition.name),
    );
    if (borrowed.length !== names.length) {
      throw new Error(`${file} defines ${borrowed.length} of ${names.join(", ")}.`);
    }
    definitions.push(...borrowed);
  }
  return buildModel(definitions);
}

async function readIdl(file: string): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve(`@webref/idl/${file}`)), "utf8");
}

function buildModel(definitions: readonly Definition[]): Model {
  const types = new TypeResolver(definitions);
  return {
    enums: buildEnums(definitions),
    dictionaries: buildDictionaries(definitions, types),
    interfaces: buildInterfaces(definitions, types),
    namespaces: buildNamespaces(definitions),
  };
}

function buildEnums(definitions: readonly Definition[]): Map<string, Enum> {
  const enums = new Map<string, Enum>();
  for (const definition of definitions) {
    if (definition.type !== "enum") continue;
    const { name } = definition;
    enums.set(name, { name, values: definition.values.map(({ value }) => value) });
  }
  return enums;
}

function buildDictionaries(
  definitions: readonly Definition[],
  types: TypeResolver,
): Map<string, Dictionary> {
  const own = new Map<string, Dictionary>();
  for (const definition of definitions) {
    if (definition.type !== "dictionary") continue;
    const members = definition.members.map((field): Member => {
      const type = types.resolve(field.idlType, field.extAttrs);
      return {
        name: field.name,
        type,
        required: field.required,
        default: resolveDefault(field.default),
      };
    });
    own.set(definition.name, {
      name: definition.name,
      inherits: definition.inheritance ?? undefined,
      members: members.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    });
  }
  const inheritedMembers = (name: string | undefined): readonly Member[] => {
    // EventInit and such lie outside the specification.
    const dictionary = name === undefined ? undefined : own.get(name);
    if (dictionary === undefined) return [];
    return [...inheritedMembers(dictionary.inherits), ...dictionary.members];
  };
  return new Map(
    [...own.values()].map((dictionary) => [
      dictionary.name,
      { ...dictionary, members: inheritedMembers(dictionary.name) },
    ]),
  );
}

function buildInterfaces(
  definitions: readonly Definition[],
  types: TypeResolver,
): Map<string, Interface> {
  const mixins = new Map<string, readonly IdlMember[]>();
  const members = new Map<string, IdlMember[]>();
  const inherits = new Map<string, string | undefined>();
  for (const definition of definitions) {
    if (definition.type === "interface mixin") mixins.set(definition.name, definition.members);
    if (definition.type === "interface") {
      const list = members.get(definition.name) ?? [];
      list.push(...definition.members);
      members.set(definition.name, list);
      if (!definition.partial) inherits.set(definition.name, definition.inheritance ?? undefined);
    }
  }
  const labelled = new Set<string>();
  for (const definition of definitions) {
    if (definition.type !== "includes") continue;
    if (definition.includes === "GPUObjectBase") labelled.add(definition.target);
    // NavigatorGPU goes into interfaces of another specification.
    members.get(definition.target)?.push(...(mixins.get(definition.includes) ?? []));
  }
  const interfaces = new Map<string, Interface>();
  for (const [name, list] of members) {
    interfaces.set(name, {
      name,
      inherits: inherits.get(name),
      labelled: labelled.has(name),
      ...buildMembers(list, types),
    });
  }
  return interfaces;
}

function buildMembers(
  list: readonly IdlMember[],
  types: TypeResolver,
): Pick<Interface, "constructorArguments" | "methods" | "attributes" | "setlike"> {
  const methods = new Map<string, Overload[]>();
  const attributes: Attribute[] = [];
  let constructorArguments: readonly Argument[] | undefined;
  let setlike: Type | undefined;
  for (const member of list) {
    if (member.type === "operation") {
      const overloads = methods.get(member.name) ?? [];
      overloads.push({
        arguments: buildArguments(member.arguments, types),
        ...types.resolvePromise(member.idlType),
      });
      methods.set(member.name, overloads);
    } else if (member.type === "attribute") {
      const { returns, isPromise } = types.resolvePromise(member.idlType);
      attributes.push({
        name: member.name,
        type: returns,
        isPromise,
        readonly: member.readonly,
        sameObject: member.extAttrs.some(({ name }) => name === "SameObject"),
      });
    } else if (member.type === "constructor") {
      constructorArguments = buildArguments(member.arguments, types);
    } else if (member.type === "setlike") {
      setlike = types.resolve(member.idlType[0]!, []);
    }
  }
  return {
    constructorArguments,
    methods: [...methods].map(([name, overloads]) => ({ name, overloads })),
    attributes,
    setlike,
  };
}

function buildArguments(list: readonly IdlArgument[], types: TypeResolver): readonly Argument[] {
  return list.map((argument) => ({
    name: argument.name,
    type: types.resolve(argument.idlType, argument.extAttrs),
    optional: argument.optional,
    default: resolveDefault(argument.default),
  }));
}

function buildNamespaces(definitions: readonly Definition[]): Map<string, Namespace> {
  const namespaces = new Map<string, Namespace>();
  for (const definition of definitions) {
    if (definition.type !== "namespace") continue;
    const constants = definition.members.flatMap((member) =>
      member.type === "const" && member.value.type === "number"
        ? [{ name: member.name, value: Number(member.value.value) }]
        : [],
    );
    namespaces.set(definition.name, { name: definition.name, constants });
  }
  return namespaces;
}
