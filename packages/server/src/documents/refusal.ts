import { ProtocolFailure } from "@sparql-live/protocol";

/** An update that came before one that it needs: no fault of its own. */
export class MissingUpdate extends ProtocolFailure {
  constructor() {
    super(
      "bad_document_update",
      "The update refers to something that the server does not have. Send the whole state of the document first.",
    );
  }
}

/** An update of a client that is none: `what` names the fault as a whole sentence. */
export function refuse(what: string): never {
  throw new ProtocolFailure("bad_document_update", what);
}
