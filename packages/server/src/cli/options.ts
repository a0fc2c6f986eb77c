import { Option } from "commander";
import { UsageError } from "./exit.js";
import { OUTPUT_FORMATS } from "./output-formats.js";

/** Options that several commands share, defined once. */
export const dataOption = () =>
  new Option(
    "--data <path...>",
    "files or folders of RDF to ask (Turtle, N-Triples, N-Quads, TriG, RDF/XML, JSON-LD; .gz too)",
  );
export const endpointOption = () =>
  new Option(
    "--endpoint <id|url>",
    "the endpoint to ask: an id of `sparql-live endpoints`, or the address of a SPARQL endpoint",
  );
export const serverOption = () =>
  new Option("--server <ws://…>", "ask through a running sparql-live server instead of in this process");
export const configOption = () => new Option("--config <file>", "settings as JSON");
export const storeOption = () =>
  new Option(
    "--store <path>",
    "the file of the store; without it that of the settings, or the one under the user's data folder",
  );
export const formatOption = () =>
  new Option("--format <format>", "how to print the result").choices(OUTPUT_FORMATS).default("table");
export const limitOption = () =>
  new Option("--limit <rows>", "at most so many rows").argParser((text) => wholeNumber("--limit", text));
export const timeoutOption = () =>
  new Option("--timeout <seconds>", "how long the endpoint may work").argParser((text) =>
    positive("--timeout", text),
  );

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${name} takes a whole number of at least 1, not "${text}"`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${name} takes a number above 0, not "${text}"`);
  return value;
}
