/** What `rawUpdate` writes as it stands, valid or not. */
export interface RawUpdate {
  readonly clients?: readonly {
    readonly client: number;
    readonly clock?: number;
    readonly structs: readonly (readonly number[])[];
    /** Of the structs, where it shall not be true. */
    readonly declaredCount?: number;
  }[];
  readonly deletions?: readonly {
    readonly client: number;
    readonly ranges: readonly (readonly [clock: number, length: number])[];
  }[];
}

/** An update in the first format of Yjs, written by hand. */
export function rawUpdate({ clients = [], deletions = [] }: RawUpdate): Uint8Array {
  const bytes = varUint(clients.length);
  for (const { client, clock = 0, structs, declaredCount = structs.length } of clients) {
    bytes.push(...varUint(declaredCount), ...varUint(client), ...varUint(clock));
    for (const struct of structs) for (const byte of struct) bytes.push(byte);
  }
  bytes.push(...varUint(deletions.length));
  for (const { client, ranges } of deletions) {
    bytes.push(...varUint(client), ...varUint(ranges.length));
    for (const [clock, length] of ranges) bytes.push(...varUint(clock), ...varUint(length));
  }
  return Uint8Array.from(bytes);
}

export function varUint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push(0x80 | (rest % 0x80));
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

export function varText(text: string): number[] {
  const bytes = Buffer.from(text);
  return [...varUint(bytes.byteLength), ...bytes];
}

/** An item at the beginning of a root type. */
export function rootItem(kind: number, content: readonly number[], root = "query"): number[] {
  return [kind, 1, ...varText(root), ...content];
}

/** An item with a neighbour to its left. */
export function itemAfter(
  [client, clock]: readonly [client: number, clock: number],
  kind: number,
  content: readonly number[],
): number[] {
  return [0x80 | kind, ...varUint(client), ...varUint(clock), ...content];
}
