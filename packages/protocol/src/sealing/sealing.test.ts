import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import {
  createRoomSecret,
  linkWithSecret,
  openRoomSeal,
  readSealedForm,
  type SealKind,
  secretOfLink,
} from "./index.js";

/** The bytes 0 to 31. */
const SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const ORIGIN = { kind: "message", userId: "ada" } as const;
const VECTOR = "01000102030405060708090a0b00026d31270c68c168202765b46eadb9527e875d87d80a915b";
const utf8 = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The construction once more, by other means. */
function keyOf(roomId: string): Buffer {
  const secret = Buffer.from(SECRET, "base64url");
  return Buffer.from(hkdfSync("sha256", secret, "sparql-live room seal 1", roomId, 32));
}

function aadOf(roomId: string, kind: SealKind, userId: string, messageId: string): Buffer {
  return Buffer.from(JSON.stringify([1, roomId, kind, userId, messageId]));
}

test("[SEAL-2] what is sealed is opened again, with the id of the message that carried it", async () => {
  const seal = await openRoomSeal(SECRET, "lab");
  for (const plaintext of [new Uint8Array(), utf8("grüße"), new Uint8Array(randomBytes(100_000))]) {
    const sealed = await seal.seal(plaintext, { ...ORIGIN, messageId: "m1" });
    expect(await seal.open(sealed, ORIGIN)).toEqual({ plaintext, messageId: "m1" });
  }
});

test("[SEAL-2] the same thing sealed twice differs: each has a nonce of its own", async () => {
  const seal = await openRoomSeal(SECRET, "lab");
  const nonces = new Set<string>();
  for (let index = 0; index < 100; index++) {
    const sealed = await seal.seal(utf8("same"), { ...ORIGIN, messageId: "m1" });
    nonces.add(Buffer.from(readSealedForm(sealed).nonce).toString("hex"));
  }
  expect(nonces.size).toBe(100);
});

test("[SEAL-2] others that follow the description read it and write it", async () => {
  const seal = await openRoomSeal(SECRET, "lab");
  const { nonce, ciphertext } = readSealedForm(
    await seal.seal(utf8("hello"), { ...ORIGIN, messageId: "m1" }),
  );
  const decipher = createDecipheriv("aes-256-gcm", keyOf("lab"), nonce);
  decipher.setAAD(aadOf("lab", "message", "ada", "m1")).setAuthTag(ciphertext.subarray(-16));
  const plaintext = [decipher.update(ciphertext.subarray(0, -16)), decipher.final()];
  expect(Buffer.concat(plaintext).toString()).toBe("hello");

  const fixed = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const cipher = createCipheriv("aes-256-gcm", keyOf("lab"), fixed);
  cipher.setAAD(aadOf("lab", "message", "ada", "m1"));
  const written = Buffer.concat([cipher.update("hello"), cipher.final(), cipher.getAuthTag()]);
  const sealed = Buffer.concat([Buffer.from([1]), fixed, Buffer.from([0, 2]), Buffer.from("m1"), written]);
  expect(sealed.toString("hex")).toBe(VECTOR);
  expect(textOf((await seal.open(sealed, ORIGIN)).plaintext)).toBe("hello");
});

test("[SEAL-3] what was moved to another room, kind, sender or id, or changed in any bit, is not opened", async () => {
  const seal = await openRoomSeal(SECRET, "lab");
  const elsewhere = await openRoomSeal(SECRET, "den");
  const stranger = await openRoomSeal(createRoomSecret(), "lab");
  const sealed = await seal.seal(utf8("hello"), { ...ORIGIN, messageId: "m1" });
  const refused = { code: "not_authentic" };
  await expect(elsewhere.open(sealed, ORIGIN)).rejects.toMatchObject(refused);
  await expect(stranger.open(sealed, ORIGIN)).rejects.toMatchObject(refused);
  await expect(seal.open(sealed, { ...ORIGIN, kind: "cursor" })).rejects.toMatchObject(refused);
  await expect(seal.open(sealed, { ...ORIGIN, userId: "bob" })).rejects.toMatchObject(refused);
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const changed = new Uint8Array(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await expect(seal.open(changed, ORIGIN), `bit ${bit}`).rejects.toMatchObject({ name: "SealError" });
  }
});

test("[SEAL-3] what was cut is refused by its form, or not opened", async () => {
  const seal = await openRoomSeal(SECRET, "lab");
  const sealed = await seal.seal(utf8("hello"), { ...ORIGIN, messageId: "m1" });
  for (let length = 0; length < sealed.byteLength; length++) {
    await expect(seal.open(sealed.subarray(0, length), ORIGIN)).rejects.toMatchObject({ name: "SealError" });
  }
  const longId = new Uint8Array(600).fill(120);
  longId.set([1], 0);
  longId.set([1, 0x81], 13);
  expect(() => readSealedForm(longId)).toThrow("message id");
});

test("[SEAL-1] the secret stands in the fragment of a link, beside what else stands there", () => {
  const secret = createRoomSecret();
  expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(createRoomSecret()).not.toBe(secret);
  const link = linkWithSecret("https://example.org/rooms/lab?a=1#tab=notes", secret);
  expect(link).toBe(`https://example.org/rooms/lab?a=1#tab=notes&key=${secret}`);
  expect(new URL(link).search).toBe("?a=1");
  expect(secretOfLink(link)).toBe(secret);
  expect(secretOfLink(linkWithSecret(link, SECRET))).toBe(SECRET);
  for (const none of ["https://example.org/", "https://example.org/?key=x#", `#key=${secret}x`, "#key="]) {
    expect(secretOfLink(none)).toBeNull();
  }
  expect(() => linkWithSecret("https://example.org/", "short")).toThrow("43");
});

test("[SEAL-1] a text that is no secret is refused", async () => {
  // The last digit carries two bits that are no part of the 256.
  for (const wrong of ["", "AAAA", `${SECRET}A`, SECRET.replace(/8$/, "9")]) {
    await expect(openRoomSeal(wrong, "lab")).rejects.toMatchObject({ code: "bad_secret" });
  }
});
