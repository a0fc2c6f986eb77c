import { XSD } from "../../rdf.js";
import type { Quantity } from "../analysis/numbers.js";
import type { SchemaGraph } from "../graph/schema-graph.js";
import type { Comparison } from "../language/language.js";
import { unitOf } from "../linking/measures.js";
import type { Constraint } from "../linking/mentions.js";
import type { Expression, QueryTerm } from "./form.js";

/** What must hold of a value for a constraint; `null` for those that order or sum up instead. */
export function conditionOf(
  value: Expression,
  constraint: Constraint,
  property: string | null,
  schema: SchemaGraph,
): Expression | null {
  if (constraint.kind === "compare") {
    const operator = constraint.upper === undefined ? constraint.comparison : ">=";
    const { quantity, upper } = constraint;
    if (property !== null && quantity.year && schema.valueKindOf(property) === "time") {
      const from = `${quantity.value}-01-01`;
      const until = `${(upper?.value ?? quantity.value) + 1}-01-01`;
      return dateCondition(
        value,
        upper === undefined ? constraint.comparison : "in",
        { from, until },
        property,
        schema,
      );
    }
    const lower: Expression = {
      kind: "compare",
      operator,
      left: value,
      right: numberOf(quantity, property, schema),
    };
    if (upper === undefined) return lower;
    const higher: Expression = {
      kind: "compare",
      operator: "<=",
      left: value,
      right: numberOf(upper, property, schema),
    };
    return { kind: "every", operands: [lower, higher] };
  }
  if (constraint.kind === "date") {
    const span = { from: constraint.span.from, until: (constraint.upper ?? constraint.span).until };
    return dateCondition(value, constraint.comparison, span, property, schema);
  }
  return null;
}

function numberOf(quantity: Quantity, property: string | null, schema: SchemaGraph): QueryTerm {
  let { value } = quantity;
  const own = property === null ? undefined : unitOf(schema, property);
  // The data's unit is known and measures the same: "5 km" of a length in metres is 5000.
  if (quantity.unit !== undefined && own !== undefined && own.dimension === quantity.unit.dimension) {
    value = Number(((value * quantity.unit.factor) / own.factor).toPrecision(12));
  }
  const text = plainNumber(value);
  return { kind: "literal", value: text, datatype: XSD + (text.includes(".") ? "decimal" : "integer") };
}

function plainNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
  return value.toFixed(12).replace(/0+$/, "").replace(/\.$/, ".0");
}

/** `from` inclusive and `until` exclusive, in the form in which the property writes time. */
function dateCondition(
  value: Expression,
  comparison: Comparison | "in",
  span: { readonly from: string; readonly until: string },
  property: string | null,
  schema: SchemaGraph,
): Expression {
  const datatype = property === null ? null : schema.datatypeOf(property);
  const at = (operator: Comparison, iso: string): Expression => ({
    kind: "compare",
    operator,
    left: value,
    right: timeTerm(iso, datatype),
  });
  switch (comparison) {
    case "<":
      return at("<", span.from);
    case "<=":
      return at("<", span.until);
    case ">":
      return at(">=", span.until);
    case ">=":
      return at(">=", span.from);
    case "!=":
      return at("!=", span.from);
    default:
      return { kind: "every", operands: [at(">=", span.from), at("<", span.until)] };
  }
}

function timeTerm(iso: string, datatype: string | null): QueryTerm {
  switch (datatype) {
    case `${XSD}gYear`:
      return { kind: "literal", value: iso.slice(0, 4), datatype };
    case `${XSD}gYearMonth`:
      return { kind: "literal", value: iso.slice(0, 7), datatype };
    case `${XSD}dateTime`:
    case `${XSD}dateTimeStamp`:
      return { kind: "literal", value: `${iso}T00:00:00Z`, datatype };
    case `${XSD}date`:
      return { kind: "literal", value: iso, datatype };
    default:
      return { kind: "literal", value: String(Number(iso.slice(0, 4))), datatype: `${XSD}integer` };
  }
}
