import type { Context, GeneratedFile } from "./context.ts";
import { BANNER } from "./emit.ts";

// Where the wrappers of the guest keep their records. One class for each interface, written out, so
// that each has inline caches of its own in the engine: one generic class would be megamorphic.

/** Wrapped by hand in client/guest: an adapter is no WireObject, and a surface has no wrapper. */
const WITHOUT_SLOT = new Set(["Surface"]);

export function slottedObjects({ objects }: Context): readonly string[] {
  return objects.filter((name) => !WITHOUT_SLOT.has(name));
}

export function generateGuestSlots(context: Context): readonly GeneratedFile[] {
  const classes = slottedObjects(context).map(
    (name) => `export class ${name}Slot extends Stamp {
  readonly #record: Records["${name}"];

  constructor(wrapper: object, record: Records["${name}"]) {
    super(wrapper);
    this.#record = record;
  }

  /** Throws a TypeError where the value is no ${name}. */
  static of(value: unknown): Records["${name}"] {
    try {
      return (value as ${name}Slot).#record;
    } catch {
      throw new TypeError("The value is not a ${name}.");
    }
  }

  static find(value: unknown): Records["${name}"] | undefined {
    return isObject(value) && #record in value ? value.#record : undefined;
  }
}
`,
  );
  return [
    {
      path: "client/guest/gen/slots.ts",
      text: `${BANNER}import type { Records } from "../records.ts";
import { isObject } from "../webidl.ts";

/** Its constructor returns another object, on which the fields of a subclass then stand. */
class Stamp {
  constructor(target: object) {
    return target;
  }
}

${classes.join("\n")}`,
    },
    { path: "client/guest/gen/supported-limits.ts", text: supportedLimits(context) },
  ];
}

function supportedLimits({ model }: Context): string {
  const { attributes } = model.interfaces.get("GPUSupportedLimits")!;
  return `${BANNER}import { type ConstructKey, defineInterface, requireConstructKey } from "../interface.ts";

/** Limits where a smaller value is the better one: alignments. The others are maxima. */
export const LIMIT_NAMES = [${attributes.map(({ name }) => `"${name}"`).join(", ")}] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];
export type Limits = Readonly<Record<LimitName, number>>;

const KNOWN: ReadonlySet<string> = new Set(LIMIT_NAMES);

export function isLimitName(name: string): name is LimitName {
  return KNOWN.has(name);
}

export class GPUSupportedLimits {
  readonly #limits: Limits;
  declare readonly __brand: "GPUSupportedLimits";

  constructor(key: ConstructKey, limits: Limits) {
    requireConstructKey(key);
    this.#limits = limits;
  }

  ${attributes.map(({ name }) => `get ${name}(): number { return this.#limits.${name}; }`).join("\n\n")}

  static {
    defineInterface(this);
  }
}
`;
}
