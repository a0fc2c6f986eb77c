import { describe, test } from "vitest";

/**
 * A suite against a program from Debian. Where it is missing, the report says which package to install;
 * with `CI=true` that is a failure, so that a build server never passes by leaving out what it should prove.
 */
export function describeWithPackage(
  packageName: string,
  installed: boolean,
  title: string,
  body: () => void,
): void {
  if (installed) describe(title, body);
  else if (process.env.CI === "true") {
    test(title, () => {
      throw new Error(`Install the Debian package ${packageName}.`);
    });
  } else test.skip(`${title} – skipped: install the Debian package ${packageName}`, () => undefined);
}
