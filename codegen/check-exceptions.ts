import {
  ABSENT_ARGUMENTS,
  ABSENT_DICTIONARIES,
  ABSENT_ENUMS,
  ABSENT_METHODS,
  ABSENT_OBJECTS,
  DERIVED_DICTIONARIES,
  IMPLIED_INTERFACES,
  REPLACED_ARGUMENTS,
} from "./exceptions.ts";
import type { Model } from "./model.ts";

/** Throws where an exception names what the specification does not have, or no longer. */
export function checkExceptions(model: Model): void {
  const methods = new Map<string, readonly string[]>();
  const bareMethods = new Map<string, Set<string>>();
  for (const { name: owner, methods: list } of model.interfaces.values()) {
    for (const { name, overloads } of list) {
      const names = overloads.flatMap((overload) => overload.arguments.map((each) => each.name));
      methods.set(`${owner}.${name}`, names);
      bareMethods.set(name, new Set([...(bareMethods.get(name) ?? []), ...names]));
    }
  }
  const isInterface = (name: string) => model.interfaces.has(name);
  const isDictionary = (name: string) => model.dictionaries.has(name);
  checkKnown("interface", [...ABSENT_OBJECTS.keys(), ...IMPLIED_INTERFACES], isInterface);
  checkKnown("method", ABSENT_METHODS.keys(), (name) => methods.has(name));
  checkKnown("method", REPLACED_ARGUMENTS.keys(), (name) => bareMethods.has(name));
  for (const [method, absent] of ABSENT_ARGUMENTS) {
    checkKnown(
      `argument of ${method},`,
      absent,
      (name) => bareMethods.get(method)?.has(name) === true,
    );
  }
  checkKnown("dictionary", ABSENT_DICTIONARIES.keys(), isDictionary);
  checkKnown("enum", ABSENT_ENUMS.keys(), (name) => model.enums.has(name));
  for (const { from, without } of DERIVED_DICTIONARIES) {
    checkKnown("dictionary", [from], isDictionary);
    const members = model.dictionaries.get(from)!.members.map(({ name }) => name);
    checkKnown(`member of ${from},`, without, (name) => members.includes(name));
  }
}

function checkKnown(what: string, names: Iterable<string>, has: (name: string) => boolean): void {
  for (const name of names) {
    if (!has(name)) throw new Error(`An exception names the ${what} ${name}, which is not there.`);
  }
}
