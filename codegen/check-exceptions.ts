import {
  ABSENT_ARGUMENTS,
  ABSENT_DICTIONARIES,
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
  const known = (what: string, names: Iterable<string>, has: (name: string) => boolean): void => {
    for (const name of names) {
      if (!has(name))
        throw new Error(`An exception names the ${what} ${name}, which is not there.`);
    }
  };
  const isInterface = (name: string) => model.interfaces.has(name);
  const isDictionary = (name: string) => model.dictionaries.has(name);
  known("interface", [...ABSENT_OBJECTS.keys(), ...IMPLIED_INTERFACES], isInterface);
  known("method", ABSENT_METHODS.keys(), (name) => methods.has(name));
  known("method", REPLACED_ARGUMENTS.keys(), (name) => bareMethods.has(name));
  for (const [method, absent] of ABSENT_ARGUMENTS) {
    known(`argument of ${method},`, absent, (name) => bareMethods.get(method)?.has(name) === true);
  }
  known("dictionary", ABSENT_DICTIONARIES.keys(), isDictionary);
  for (const { from, without } of DERIVED_DICTIONARIES) {
    known("dictionary", [from], isDictionary);
    const members = model.dictionaries.get(from)!.members.map(({ name }) => name);
    known(`member of ${from},`, without, (name) => members.includes(name));
  }
}
