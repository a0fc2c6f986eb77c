import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Compile } from "typebox/compile";
import { SettingsError } from "./settings-error.js";
import {
  envOf,
  flagOf,
  SETTING_NAMES,
  SETTINGS,
  type SettingDefinition,
  type SettingName,
  type Settings,
} from "./table.js";

export interface SettingSources {
  /** From the command line, by name of the setting; texts, switches as booleans, lists as arrays of texts. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Default: none. The command line hands in `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A JSON file. Relative paths in it are relative to its folder. Else `SPARQL_LIVE_CONFIG`. */
  readonly configFile?: string;
}

interface Given {
  readonly value: unknown;
  /** For example `flag --port`. */
  readonly source: string;
}

const validators = new Map(SETTING_NAMES.map((name) => [name, Compile(SETTINGS[name].schema)]));

/** Flags stand over the environment, that over the file, that over the defaults. Throws `SettingsError`. */
export function readSettings({ flags = {}, env = {}, configFile }: SettingSources = {}): Settings {
  const path = configFile ?? env[envOf("config")];
  const file = path === undefined ? new Map<string, unknown>() : readConfigFile(path);
  refuseUnknownVariables(env);
  const settings: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const given = fromFlag(name, flags) ?? fromEnv(name, env) ?? fromFile(name, file, path ?? "");
    settings[name] = given === null ? SETTINGS[name].default : check(name, given);
  }
  // Each member was checked against the schema of its name, or is its default.
  const checked = settings as Settings;
  if (checked.heartbeatTimeoutMs <= checked.heartbeatIntervalMs) {
    throw new SettingsError(
      `heartbeatTimeoutMs (${checked.heartbeatTimeoutMs}) must be more than heartbeatIntervalMs (${checked.heartbeatIntervalMs}): a peer is silent in between.`,
    );
  }
  return checked;
}

function check(name: SettingName, { value, source }: Given): unknown {
  if (validators.get(name)?.Check(value) === true) return value;
  const setting: SettingDefinition = SETTINGS[name];
  const found = setting.isSecret === true ? "not what it may be (and is not shown)" : show(value);
  throw new SettingsError(`${name} (${source}) is ${found}; allowed: ${setting.allowed}.`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function fromFlag(name: SettingName, flags: Readonly<Record<string, unknown>>): Given | null {
  const raw = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (raw === undefined) return null;
  return { value: typeof raw === "string" ? parseText(name, raw) : raw, source: `flag ${flagOf(name)}` };
}

function fromEnv(name: SettingName, env: Readonly<Record<string, string | undefined>>): Given | null {
  const raw = env[envOf(name)];
  if (raw === undefined || raw === "") return null;
  return { value: parseText(name, raw), source: `environment ${envOf(name)}` };
}

function fromFile(name: SettingName, file: ReadonlyMap<string, unknown>, path: string): Given | null {
  if (!file.has(name)) return null;
  const value = file.get(name);
  const source = `file ${path}`;
  const base = dirname(resolve(path));
  if (PATHS.has(name) && typeof value === "string") return { value: resolve(base, value), source };
  if (name === "store" && typeof value === "string" && value !== "memory") {
    return { value: resolve(base, value), source };
  }
  if (name === "authJwks" && typeof value === "string" && !value.includes("://")) {
    return { value: resolve(base, value), source };
  }
  if (name === "data" && Array.isArray(value)) return { value: resolveAll(base, value), source };
  if (name === "endpoint" && Array.isArray(value)) {
    return { value: value.map((entry) => resolveEntry(base, entry)), source };
  }
  return { value, source };
}

const PATHS: ReadonlySet<SettingName> = new Set(["cacheDir", "tlsCert", "tlsKey"]);

function resolveEntry(base: string, entry: unknown): unknown {
  if (typeof entry !== "object" || entry === null) return entry;
  const resolved: Record<string, unknown> = { ...entry };
  for (const name of ["data", "examples"]) {
    const paths = resolved[name];
    if (Array.isArray(paths)) resolved[name] = resolveAll(base, paths);
  }
  return resolved;
}

function resolveAll(base: string, paths: readonly unknown[]): unknown[] {
  return paths.map((path) => (typeof path === "string" && path !== "" ? resolve(base, path) : path));
}

/** The text as the value that it looks like; what does not look right stays a text and fails the check. */
function parseText(name: SettingName, text: string): unknown {
  const trimmed = text.trim();
  switch (SETTINGS[name].kind) {
    case "number":
      return /^-?\d+$/.test(trimmed) ? Number(trimmed) : text;
    case "switch":
      if (trimmed === "true" || trimmed === "1") return true;
      return trimmed === "false" || trimmed === "0" ? false : text;
    case "list":
      return trimmed
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
    case "json":
      return parseJson(trimmed);
    case "text":
      return trimmed;
  }
}

/** What is no JSON stays a text, and fails the check. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readConfigFile(path: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new SettingsError(`The configuration file ${path} cannot be read: ${messageOf(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SettingsError(`The configuration file ${path} must hold a JSON object.`);
  }
  const known = new Set<string>(SETTING_NAMES);
  for (const name of Object.keys(value)) {
    if (!known.has(name)) {
      throw new SettingsError(
        `${path} has "${name}", which is no setting. There are: ${SETTING_NAMES.join(", ")}.`,
      );
    }
  }
  return new Map(Object.entries(value));
}

/** A variable that is misspelt would else be passed over in silence. */
function refuseUnknownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const known = new Set<string>([...SETTING_NAMES.map(envOf), envOf("config")]);
  for (const name of Object.keys(env)) {
    if (name.startsWith("SPARQL_LIVE_") && !known.has(name)) {
      throw new SettingsError(
        `The environment has ${name}, which is no setting. There are: ${[...known].join(", ")}.`,
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
