/**
 * `bad_form`: it is no sealed thing, or one of a later version. `not_authentic`: another key, or it was changed, or
 * it belongs to another room, kind or sender. `bad_secret`: no secret of a room.
 */
export type SealErrorCode = "bad_form" | "not_authentic" | "bad_secret";

export class SealError extends Error {
  override readonly name = "SealError";
  readonly code: SealErrorCode;

  constructor(code: SealErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
