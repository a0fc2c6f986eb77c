import type { ChildProcess } from "node:child_process";

/** Settles with the first output to standard error that has the words; rejects where the process ends without. */
export function said(child: ChildProcess, words: RegExp): Promise<RegExpExecArray> {
  let output = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      output += String(chunk);
      const found = words.exec(output);
      if (found !== null) resolve(found);
    });
    child.once("exit", () => reject(new Error(`ended before ${words} was said: ${output}`)));
  });
}
