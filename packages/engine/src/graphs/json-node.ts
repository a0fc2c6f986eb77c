import type { Problem } from "./problem.js";

/** A part of a JSON document together with its path in it, so that a fault can be told exactly. */
export interface JsonNode {
  readonly file: string;
  readonly path: string;
  readonly value: unknown;
  readonly problems: Problem[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Reports a fault at a node. */
export function report(node: JsonNode, message: string): void {
  const text = node.path === "" ? message : `${node.path}: ${message}`;
  node.problems.push({ place: { file: node.file }, message: text });
}

/** The member of an object; a member that is missing has the value `undefined`. */
export function member(node: JsonNode, key: string): JsonNode {
  const path = node.path === "" ? key : `${node.path}.${key}`;
  return { ...node, path, value: asObject(node)?.[key] };
}

/** Whether the document says anything here. */
export function isGiven(node: JsonNode): boolean {
  return node.value !== undefined;
}

/** Reports everything that is not one of the known members: a misspelt key must not pass as an omitted one. */
export function checkKeys(node: JsonNode, known: readonly string[]): void {
  const object = asObject(node);
  if (object === undefined) {
    report(node, "an object is expected");
    return;
  }
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) report(member(node, key), `unknown key (known: ${known.join(", ")})`);
  }
}

/** A text that is there and not empty; otherwise a fault and the empty text. */
export function readText(node: JsonNode): string {
  if (typeof node.value === "string" && node.value !== "") return node.value;
  report(node, "a text is expected");
  return "";
}

/** A text that may be left out. */
export function readOptionalText(node: JsonNode): string | undefined {
  return isGiven(node) ? readText(node) : undefined;
}

/** A truth value that may be left out (then false). */
export function readFlag(node: JsonNode): boolean {
  if (isGiven(node) && typeof node.value !== "boolean") report(node, "true or false is expected");
  return node.value === true;
}

/** The items of a list; a list that is left out is empty. */
export function items(node: JsonNode): readonly JsonNode[] {
  if (!isGiven(node)) return [];
  if (!Array.isArray(node.value)) {
    report(node, "a list is expected");
    return [];
  }
  return node.value.map((value: unknown, index) => ({ ...node, path: `${node.path}[${index}]`, value }));
}

/** The members of an object with their names; an object that is left out has none. */
export function entries(node: JsonNode): readonly (readonly [string, JsonNode])[] {
  if (!isGiven(node)) return [];
  const object = asObject(node);
  if (object === undefined) report(node, "an object is expected");
  return Object.keys(object ?? {}).map((key) => [key, member(node, key)] as const);
}

function asObject(node: JsonNode): JsonObject | undefined {
  const { value } = node;
  return isJsonObject(value) ? value : undefined;
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
