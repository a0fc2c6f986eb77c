import { ProtocolFailure } from "@sparql-live/protocol";

/** An update of a client that is none: `what` names the fault as a whole sentence. */
export function refuse(what: string): never {
  throw new ProtocolFailure("bad_document_update", what);
}
