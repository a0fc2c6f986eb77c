/** What browsers and Node 20 have alike, as far as sealing needs it: this package is compiled for neither alone. */
interface Platform {
  readonly crypto: {
    readonly subtle: SubtleCrypto;
    getRandomValues(array: Uint8Array): Uint8Array;
  };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (
    label: "utf-8",
    options: { readonly fatal: true; readonly ignoreBOM: true },
  ) => { decode(bytes: Uint8Array): string };
}

/** A key of WebCrypto, which nobody looks into. */
export interface CryptoKey {
  readonly type: string;
}

interface SubtleCrypto {
  importKey(
    format: "raw",
    key: Uint8Array,
    algorithm: "HKDF",
    extractable: false,
    usages: readonly "deriveKey"[],
  ): Promise<CryptoKey>;
  deriveKey(
    algorithm: {
      readonly name: "HKDF";
      readonly hash: "SHA-256";
      readonly salt: Uint8Array;
      readonly info: Uint8Array;
    },
    from: CryptoKey,
    to: { readonly name: "AES-GCM"; readonly length: 256 },
    extractable: false,
    usages: readonly ("encrypt" | "decrypt")[],
  ): Promise<CryptoKey>;
  encrypt(algorithm: GcmParameters, key: CryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
  decrypt(algorithm: GcmParameters, key: CryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
}

interface GcmParameters {
  readonly name: "AES-GCM";
  readonly iv: Uint8Array;
  readonly additionalData: Uint8Array;
  readonly tagLength: 128;
}

// The globals of every platform that has WebCrypto; where it is missing (a page that is not secure) sealing throws.
const platform = globalThis as unknown as Partial<Pick<Platform, "crypto">> & Omit<Platform, "crypto">;

/** Throws a `TypeError` in a page that came over plain HTTP: browsers keep WebCrypto from it. */
export function webCrypto(): Platform["crypto"] {
  if (platform.crypto?.subtle !== undefined) return platform.crypto;
  throw new TypeError("There is no WebCrypto here: a page needs HTTPS, or an address of this machine.");
}

export function toUtf8(text: string): Uint8Array {
  return new platform.TextEncoder().encode(text);
}

/** Throws where the bytes are no UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return new platform.TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
