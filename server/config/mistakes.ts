import { z } from "zod";
import { assertNever } from "#shared/base/assert.ts";
import type { SettingPath } from "./config-text.ts";

// What is wrong with a configuration and what to write instead, made of the schema that found it: a setting's
// `meta({ fix })` where it has one, else its type and bounds.

type Node = z.core.JSONSchema.BaseSchema;

/** A sentence a line. `where` names the file and the line of a setting. */
export function describeMistakes(
  schema: z.ZodType,
  error: z.ZodError,
  where: (path: SettingPath) => string,
): string {
  const root = z.toJSONSchema(schema, { io: "input" });
  return error.issues
    .flatMap((issue) => {
      if (issue.code !== "unrecognized_keys") return [describeIssue(root, issue, where)];
      return issue.keys.map((key) => describeUnknown(root, [...issue.path, key], where));
    })
    .join("\n");
}

function describeIssue(
  root: Node,
  issue: z.core.$ZodIssue,
  where: (path: SettingPath) => string,
): string {
  const { path, code, message } = issue;
  const node =
    code === "invalid_key" ? nodeAt(root, path.slice(0, -1)).propertyNames : nodeAt(root, path);
  const fix = typeof node === "object" ? fixOf(node) : "";
  return `${where(path)}: ${nameOf(path)} is wrong: ${message}${fix === "" ? "" : `; ${fix}`}.`;
}

function describeUnknown(
  root: Node,
  path: SettingPath,
  where: (path: SettingPath) => string,
): string {
  const known = Object.keys(nodeAt(root, path.slice(0, -1)).properties ?? {}).toSorted();
  const list = known.length === 0 ? "" : `; the known ones are ${known.join(", ")}`;
  return `${where(path)}: ${nameOf(path)} is not a setting: correct or remove it${list}.`;
}

function nameOf(path: SettingPath): string {
  return path.map(String).join(".");
}

/** The schema of a setting, or of the setting that it belongs to where it has none of its own. */
function nodeAt(root: Node, path: SettingPath): Node {
  let node = root;
  for (const name of path) {
    const child =
      node.properties?.[String(name)] ??
      node.prefixItems?.[Number(name)] ??
      (Array.isArray(node.items) ? undefined : node.items) ??
      node.additionalProperties;
    if (typeof child !== "object") break;
    node = child;
  }
  return node;
}

function fixOf(node: Node): string {
  if (typeof node["fix"] === "string") return node["fix"];
  if (node.enum !== undefined)
    return `write ${choice(node.enum.map((value) => JSON.stringify(value)))}`;
  // A choice of shapes says itself what to write.
  if (node.type === undefined || Array.isArray(node.type)) return "";
  switch (node.type) {
    case "integer":
    case "number":
      return `write ${numberKind(node)}${range(node)}`;
    case "boolean":
      return "write true or false";
    case "string":
      return "write a text";
    case "array":
      return "write a list, such as [a, b]";
    case "object":
      return `write { ${Object.keys(node.properties ?? { name: "" })[0]}: … }`;
    case "null":
      return "write nothing";
    default:
      return assertNever(node.type);
  }
}

function numberKind({ type, multipleOf }: Node): string {
  if (multipleOf === 2) return "an even number";
  return type === "integer" ? "a whole number" : "a number";
}

function range({ minimum, maximum }: Node): string {
  return minimum === undefined || maximum === undefined ? "" : ` from ${minimum} to ${maximum}`;
}

function choice(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
