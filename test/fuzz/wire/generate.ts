import type { Context } from "#codegen/context.ts";
import { loadContext } from "#test/unit/wire/codec.ts";
import { mutateList } from "../mutate.ts";
import type { Random } from "../random.ts";
import { begin, SCENES } from "./scenes.ts";
import { Script } from "./script.ts";
import { WireValues } from "./values.ts";

/** Cases whose messages are changed after they were written: the others get further. */
const MUTATED = 0.3;
const MOST_SCENES = 24;

/** Writes streams of a guest, from the same description that the wire's codec is generated from. */
export class WireGenerator {
  readonly #context: Context;
  readonly #values: WireValues;

  private constructor(context: Context) {
    this.#context = context;
    this.#values = new WireValues(context);
  }

  static async load(): Promise<WireGenerator> {
    return new WireGenerator(await loadContext());
  }

  /** Up frames without a hello. */
  generate(random: Random): Buffer[] {
    const script = new Script(this.#context, this.#values, random);
    begin(script);
    for (let scenes = 1 + random.below(MOST_SCENES); scenes > 0; scenes--) {
      random.pick(SCENES)(script);
      for (let more = random.below(4); more > 0; more--) script.anything();
    }
    return random.chance(MUTATED) ? mutateList(random, script.messages) : script.messages;
  }
}
