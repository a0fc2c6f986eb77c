/** What the structs of an update are: of Yjs's first format, the lower five bits of each one's first byte. */
export const GC = 0;
export const DELETED = 1;
export const JSON_LIST = 2;
export const BYTES = 3;
export const TEXT = 4;
export const EMBED = 5;
export const FORMAT = 6;
export const TYPE = 7;
export const ANY = 8;
export const SUBDOCUMENT = 9;
export const SKIP = 10;
