import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";

/** A configuration file as it was read. */
export type ConfigSource = { readonly file: string; readonly text: string };

/** The names that lead to a setting, such as "profiles", "small", "frameRate". */
export type SettingPath = readonly PropertyKey[];

/** A configuration file's settings, and the line on which each stands. */
export class ConfigText {
  readonly value: object;
  readonly #file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  private constructor(file: string, document: Document.Parsed, lines: LineCounter, value: object) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
    this.value = value;
  }

  /** Throws ConfigError where the text is no YAML or holds no settings. */
  static parse({ file, text }: ConfigSource): ConfigText {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line } = lines.linePos(problem.pos[0]);
      const reason = problem.message.replace(/\.$/, "");
      throw new ConfigError(`${file}:${line} is not YAML (${reason}): correct the line.`, {
        cause: problem,
      });
    }
    const value: unknown = document.toJS() ?? {};
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ConfigError(
        `${file}:1 holds no settings: write one "name: value" a line, such as "port: 7340".`,
      );
    }
    return new ConfigText(file, document, lines, value);
  }

  /** File and line of a setting; of what it would stand in, where it is not written; the file alone, else. */
  where(path: SettingPath): string {
    let node: unknown = this.#document.contents;
    let offset: number | undefined;
    for (const name of path) {
      const found = childOf(node, name);
      if (found === undefined) break;
      ({ node, offset } = found);
    }
    return offset === undefined ? this.#file : `${this.#file}:${this.#lines.linePos(offset).line}`;
  }
}

/** Its offset is that of its name, or of the item of a list. */
function childOf(
  parent: unknown,
  name: PropertyKey,
): { readonly node: unknown; readonly offset: number | undefined } | undefined {
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    return pair && { node: pair.value, offset: offsetOf(pair.key) };
  }
  if (!isSeq(parent) || typeof name !== "number") return undefined;
  const item = parent.items[name];
  return item === undefined ? undefined : { node: item, offset: offsetOf(item) };
}

function offsetOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}
