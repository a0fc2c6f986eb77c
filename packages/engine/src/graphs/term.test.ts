import { describe, expect, it } from "vitest";
import { fillTemplate, parseTemplate } from "./template.js";
import { iriFault, lexicalFault, writeLiteral } from "./term.js";

function fill(text: string, values: Readonly<Record<string, string>>): unknown {
  const template = parseTemplate(text);
  return "fault" in template ? template : fillTemplate(template, (name) => values[name] ?? "");
}

describe("writeLiteral", () => {
  it("escapes what Turtle would misread", () => {
    expect(writeLiteral('a "b" \\ c\n\td\u0007', {})).toBe('"a \\"b\\" \\\\ c\\n\\td\\u0007"');
  });

  it("writes language and datatype", () => {
    expect(writeLiteral("Äpfel 🍎", { lang: "de" })).toBe('"Äpfel 🍎"@de');
    expect(writeLiteral("1", { datatype: "http://example.org/t" })).toBe('"1"^^<http://example.org/t>');
  });
});

describe("fillTemplate", () => {
  it("encodes what an IRI segment cannot have", () => {
    expect(fill("http://e.org/{n}", { n: 'a/b #ü %"' })).toEqual({
      iri: "http://e.org/a%2Fb%20%23ü%20%25%22",
    });
    expect(fill("http://e.org/{n}", { n: "𝄞" })).toEqual({ iri: "http://e.org/%F0%9D%84%9E" });
  });

  it("makes slugs and puts raw text in", () => {
    expect(fill("http://e.org/{n|slug}", { n: "  São Tomé & Príncipe!" })).toEqual({
      iri: "http://e.org/sao-tome-principe",
    });
    expect(fill("{n|raw}", { n: "http://e.org/a/b" })).toEqual({ iri: "http://e.org/a/b" });
  });

  it("tells the empty name and broken templates", () => {
    expect(fill("http://e.org/{n}/{m}", { n: "a" })).toEqual({ empty: "m" });
    expect(fill("http://e.org/{n|x}", {})).toHaveProperty("fault");
    expect(fill("http://e.org/{n", {})).toHaveProperty("fault");
  });
});

describe("iriFault", () => {
  it("accepts absolute IRIs only", () => {
    expect(iriFault("http://e.org/ü#x")).toBeUndefined();
    expect(iriFault("e.org/x")).toBeDefined();
    expect(iriFault("http://e.org/a b")).toBeDefined();
    expect(iriFault("http://e.org/<x>")).toBeDefined();
  });
});

describe("lexicalFault", () => {
  const xsd = "http://www.w3.org/2001/XMLSchema#";
  it.each([
    ["int", "-12", true],
    ["int", "1.5", false],
    ["int", "99999999999", false],
    ["boolean", "true", true],
    ["boolean", "yes", false],
    ["date", "2024-02-29", true],
    ["date", "2024-13-01", false],
    ["gYear", "-0044", true],
    ["decimal", "1.", true],
    ["double", "1e9", true],
    ["double", "one", false],
    ["anyURI", "http://e.org/", true],
    ["anyURI", "no", false],
    ["string", "anything", true],
  ])("xsd:%s %s", (name, value, isGood) => {
    expect(lexicalFault(value, xsd + name) === undefined).toBe(isGood);
  });
});
