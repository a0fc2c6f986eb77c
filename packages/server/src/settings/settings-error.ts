/** A setting that cannot be taken. The message names it, where it stands, and what is allowed. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}
