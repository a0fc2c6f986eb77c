const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 64 * 1024;

/**
 * Watches an XML text go by and tells whether its root element was closed. The store's RDF/XML reader checks
 * that tags match but takes a text that simply ends for a complete one; such a file was cut off.
 */
export interface XmlClosingWatch {
  see(chunk: Buffer): void;
  /** `false` also where there is no root element at all. */
  isClosed(): boolean;
}

export function createXmlClosingWatch(): XmlClosingWatch {
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  return {
    see(chunk) {
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    },
    isClosed() {
      const root = rootName(head.toString("latin1"));
      return root !== undefined && endsWithRoot(tail.toString("latin1"), root);
    },
  };
}

/** The name of the first element, behind declaration, doctype with its entities, and comments. */
function rootName(head: string): string | undefined {
  for (const [, name] of head.matchAll(/<!--[\s\S]*?-->|<([A-Za-z_][^\s/>]*)/g)) {
    if (name !== undefined) return name;
  }
  return undefined;
}

function endsWithRoot(tail: string, root: string): boolean {
  const closing = tail.lastIndexOf(`</${root}`);
  if (closing >= 0) return /^<\/[^\s>]+\s*>\s*(?:<[!?][\s\S]*)?$/.test(tail.slice(closing));
  const opening = tail.lastIndexOf(`<${root}`);
  return opening >= 0 && /^<[^<]*\/>\s*(?:<[!?][\s\S]*)?$/.test(tail.slice(opening));
}
