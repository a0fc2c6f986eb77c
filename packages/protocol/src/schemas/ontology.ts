import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";
import { Id } from "./envelope.js";

export const OntologySearch = Type.Object({
  query: Type.String({ maxLength: 256 }),
  ontology: Type.Optional(Type.String({ maxLength: 64 })),
  endpoint_id: Type.Optional(Id),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: WIRE_LIMITS.maxTermLimit, default: WIRE_LIMITS.defaultTermLimit }),
  ),
  position: Type.Optional(Type.Unknown({ description: "Handed back as it came." })),
});

export const OntologySuggestion = Type.Object({
  query_text: Type.String(),
  suggestions: Type.Array(
    Type.Object({
      iri: Type.String(),
      label: Type.String(),
      description: Type.String(),
      ontology: Type.String(),
      synonyms: Type.Array(Type.String()),
      score: Type.Number(),
    }),
  ),
  position: Type.Optional(Type.Unknown()),
  superseded: Type.Optional(Type.Boolean({ description: "A newer search of the connection overtook it." })),
});
