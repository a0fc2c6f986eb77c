import fc from "fast-check";
import * as Y from "yjs";

/** One edit of a client; numbers are taken modulo what is there. */
export type Edit =
  | { readonly kind: "insert"; readonly at: number; readonly text: string }
  | { readonly kind: "delete"; readonly at: number; readonly length: number }
  | { readonly kind: "set"; readonly key: string; readonly value: unknown }
  | { readonly kind: "push"; readonly values: readonly unknown[] }
  | { readonly kind: "nest"; readonly at: number; readonly text: string }
  | { readonly kind: "rename"; readonly at: number; readonly text: string }
  | { readonly kind: "remove"; readonly at: number };

const anyValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("__proto__")),
  fc.constantFrom(0.1, -7, new Uint8Array([1, 2])),
);
const anyMember = fc.oneof(anyValue, fc.constantFrom(undefined, 2n ** 40n));
const position = fc.nat(1_000);
const shortText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });

export const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("insert"), at: position, text: shortText }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("delete"),
      at: position,
      length: fc.integer({ min: 1, max: 9 }),
    }),
  },
  fc.record({ kind: fc.constant("set"), key: fc.constantFrom("a", "b", "constructor"), value: anyMember }),
  fc.record({ kind: fc.constant("push"), values: fc.array(anyValue, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constantFrom("nest", "rename"), at: position, text: shortText }),
  fc.record({ kind: fc.constant("remove"), at: position }),
);

/** Does an edit in one transaction, as an editor would. */
export function edit(doc: Y.Doc, change: Edit): void {
  const text = doc.getText("query");
  const list = doc.getArray("list");
  doc.transact(() => {
    switch (change.kind) {
      case "insert":
        text.insert(change.at % (text.length + 1), change.text);
        break;
      case "delete": {
        const at = change.at % (text.length + 1);
        text.delete(at, Math.min(change.length, text.length - at));
        break;
      }
      case "set":
        doc.getMap("map").set(change.key, change.value);
        break;
      case "push":
        list.push([...change.values]);
        break;
      case "nest":
        list.insert(change.at % (list.length + 1), [nested(change.text)]);
        break;
      case "rename": {
        const map = list.length > 0 ? list.get(change.at % list.length) : undefined;
        if (map instanceof Y.Map) map.set("name", change.text);
        break;
      }
      case "remove":
        if (list.length > 0) list.delete(change.at % list.length, 1);
        break;
    }
  });
}

function nested(text: string): Y.Map<unknown> {
  const map = new Y.Map<unknown>();
  map.set("name", new Y.Text(text));
  map.set("tags", Y.Array.from([text, 1]));
  return map;
}
