import type { ClassProfile, PropertyProfile, SchemaProfile } from "@sparql-live/engine";
import { toEngineFailure } from "@sparql-live/engine";
import { EXIT, interruptSignal, UsageError } from "./exit.js";
import { openLocalEngine } from "./local-engine.js";
import { describeFailure } from "./output.js";

export interface ProfileOptions {
  readonly data?: readonly string[];
  readonly config?: string;
  readonly endpoint?: string;
  readonly json?: boolean;
}

const SHOWN = 40;

/** Settles with the exit code. */
export async function showProfile(options: ProfileOptions): Promise<number> {
  const interrupt = interruptSignal();
  const { engine, endpointId } = openLocalEngine(options);
  try {
    const endpoint = engine.endpoints.get(endpointId);
    if (endpoint === undefined) {
      throw new UsageError(`there is no endpoint "${endpointId}"; "sparql-live endpoints" lists them`);
    }
    process.stderr.write(`Reading ${endpoint.entry.title} …\n`);
    const profile = await endpoint.profile(interrupt.signal);
    process.stdout.write(options.json === true ? `${JSON.stringify(profile, null, 2)}\n` : describe(profile));
    return EXIT.answered;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    if (error instanceof UsageError) throw error;
    process.stderr.write(describeFailure(toEngineFailure(error)));
    return EXIT.failed;
  } finally {
    await engine.close();
    interrupt.release();
  }
}

function describe(profile: SchemaProfile): string {
  const { classes, properties, tripleCount, complete } = profile;
  const lines = [
    `${tripleCount ?? "unknown"} triples, ${classes.length} classes, ${properties.length} properties${complete ? "" : " (incomplete: the time for it was over)"}`,
    "",
    "Classes",
    ...classes
      .slice(0, SHOWN)
      .map((item) => `  ${String(item.count).padStart(9)}  ${nameOf(item)}  <${item.iri}>`),
    ...more(classes.length),
    "",
    "Properties",
    ...properties
      .slice(0, SHOWN)
      .map((item) => `  ${String(item.count).padStart(9)}  ${nameOf(item)}  ${item.kind}  <${item.iri}>`),
    ...more(properties.length),
    "",
    `Names are read from: ${profile.labelPredicates.join(", ") || "local names of IRIs"}`,
  ];
  return `${lines.join("\n")}\n`;
}

function more(count: number): readonly string[] {
  return count > SHOWN ? [`  … and ${count - SHOWN} more (--json prints all)`] : [];
}

function nameOf({ labels, iri }: ClassProfile | PropertyProfile): string {
  return labels[0]?.text ?? iri.split(/[#/]/).at(-1) ?? iri;
}
