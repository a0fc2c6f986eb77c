import Type, { type TObject } from "typebox";

/** What clients of an encrypted room have sealed: base64 in JSON, bytes in MessagePack. */
export const Sealed = Type.Unsafe<string | Uint8Array>(
  Type.Refine(
    Type.Unknown({ description: "Sealed by a client: base64 in JSON, bytes in MessagePack." }),
    (value) => typeof value === "string" || value instanceof Uint8Array,
    () => "must be base64 (JSON) or bytes (MessagePack)",
  ),
);

/** What comes clear in one kind of rooms and sealed in the other has one of both. */
export function clearOrSealed<const S extends TObject>(member: string, schema: S) {
  return Type.Refine(
    schema,
    (value) => Object.hasOwn(value, member) !== Object.hasOwn(value, "sealed"),
    () => `must have \`${member}\`, or in an encrypted room \`sealed\``,
  );
}
