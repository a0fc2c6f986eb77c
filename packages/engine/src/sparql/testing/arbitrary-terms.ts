import fc from "fast-check";
import type { Term } from "../../rdf.js";

/** Any text: quotes, line ends, controls, pairs and halves of surrogates, what XML and CSV treat specially. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
    .map((codes) => String.fromCharCode(...codes)),
  fc
    .array(
      fc.constantFrom(
        '"',
        "'",
        "\\",
        "\n",
        "\r",
        "\t",
        "\b",
        "\f",
        "\0",
        "\u0007",
        "\u007f",
        "\ufffe",
        "\uffff",
        "\ud83d\ude00",
        "\ud83d",
        "\ude00",
        "é",
        " ",
        ",",
        ";",
        "<",
        ">",
        "&",
        "]]>",
        "--",
        "#",
        "?",
        "\u0085",
        "\u2028",
        "\u00a0",
        "\ufeff",
        "a",
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join("")),
);

export const iri: fc.Arbitrary<Term & { type: "uri" }> = fc
  .stringMatching(/^[a-zA-Z0-9_.~!$&'()*+,;=:@/?#éλ%-]{0,12}$/)
  .filter((tail) => !/%(?![0-9A-F]{2})|#.*#/.test(tail))
  .map((tail) => ({ type: "uri", value: `http://example.org/${tail}` }));

/** A blank node as endpoints label them. */
export const blank: fc.Arbitrary<Term> = fc
  .constantFrom("b0", "b-1", "a.b", "nodeID://b10", "enc-x", "b 0", "é", "_")
  .map((value) => ({ type: "bnode", value }));

const language = fc.constantFrom("en", "en-gb", "zh-hant-tw", "de-1996");

export const literal: fc.Arbitrary<Term> = fc.oneof(
  anyText.map((value): Term => ({ type: "literal", value })),
  fc.tuple(anyText, language).map(([value, tag]): Term => ({ type: "literal", value, "xml:lang": tag })),
  fc
    .tuple(anyText, language, fc.constantFrom("ltr" as const, "rtl" as const))
    .map(
      ([value, tag, direction]): Term => ({ type: "literal", value, "xml:lang": tag, "its:dir": direction }),
    ),
  fc.tuple(anyText, iri).map(([value, type]): Term => ({ type: "literal", value, datatype: type.value })),
  fc
    .constantFrom(
      ["-5", "integer"],
      ["+05", "integer"],
      ["5.", "decimal"],
      [".5", "decimal"],
      ["1e5", "double"],
      ["1.e5", "double"],
      ["INF", "double"],
      ["x", "integer"],
      ["5 ", "integer"],
      ["true", "boolean"],
      ["2026-01-01", "date"],
    )
    .map(
      ([value, type]): Term => ({
        type: "literal",
        value: value ?? "",
        datatype: `http://www.w3.org/2001/XMLSchema#${type}`,
      }),
    ),
);

const object = fc.oneof(iri, blank, literal);

export const triple: fc.Arbitrary<Term> = fc
  .tuple(fc.oneof(iri, blank), iri, object)
  .map(
    ([subject, predicate, value]): Term => ({ type: "triple", value: { subject, predicate, object: value } }),
  );

export const term: fc.Arbitrary<Term> = fc.oneof(iri, blank, literal, literal, triple);
