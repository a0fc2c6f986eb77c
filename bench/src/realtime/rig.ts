import { type Cores, chooseCores } from "./cores.js";
import { compileNative } from "./native.js";

/** What measuring needs of the machine. */
export interface Rig {
  /** The compiled load generator. */
  readonly generator: string;
  /** The compiled floor. */
  readonly floor: string;
  readonly cores: Cores;
}

/** Rejects, telling what to install, where something is missing. */
export async function setUpRig(): Promise<Rig> {
  const cores = chooseCores();
  return { generator: await compileNative("load"), floor: await compileNative("floor"), cores };
}
