import { exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import {
  AUDIENCE,
  bearer,
  inSeconds,
  startIssuer,
  type TestIssuer,
  tokenOf,
  WITH_SECRET,
} from "../testing/tokens.js";

/** By all three ways. */
async function codesOf(server: TestServer, token: string) {
  const response = await fetch(`${server.url}/api/ws/rooms`, bearer(token));
  const { code } = (await response.json()) as { code: string };
  await using atOnce = await openClient(server.ws, bearer(token));
  await using later = await openClient(server.ws);
  later.send("authenticate", { token });
  const closes = [await atOnce.closed, await later.closed];
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate"),
    closes: closes.map((close) => close.code),
    codes: [code, ...closes.map(({ reason }) => (JSON.parse(reason) as { code: string }).code)],
    acknowledged: atOnce.log.length,
  };
}

const REFUSED = {
  status: 401,
  challenge: 'Bearer realm="sparql-live", error="invalid_token"',
  closes: [4401, 4401],
  codes: ["bad_token", "bad_token", "bad_token"],
  acknowledged: 0,
};

const claimsOf = ({ url }: TestIssuer) => ({ sub: "ada", iss: url, aud: AUDIENCE, exp: inSeconds(3_600) });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

const ATTACKS: readonly (readonly [name: string, forge: (issuer: TestIssuer) => string | Promise<string>])[] =
  [
    ["without a signature (`none`)", (issuer) => new UnsecuredJWT(claimsOf(issuer)).encode()],
    [
      "with `none` in other letters",
      (issuer) => `${part({ alg: "nOnE", kid: "one" })}.${part(claimsOf(issuer))}.`,
    ],
    [
      "signed with HS256 under the public key as it is published",
      async (issuer) =>
        new SignJWT(claimsOf(issuer))
          .setProtectedHeader({ alg: "HS256", kid: "one" })
          .sign(Buffer.from(await exportSPKI(issuer.publicKey))),
    ],
    [
      "signed with HS256 under the public key as a JWK",
      (issuer) =>
        new SignJWT(claimsOf(issuer))
          .setProtectedHeader({ alg: "HS256", kid: "one" })
          .sign(Buffer.from(JSON.stringify(issuer.keys[0]))),
    ],
    [
      "signed by somebody else",
      async (issuer) => {
        const { privateKey } = await generateKeyPair("RS256");
        return new SignJWT(claimsOf(issuer))
          .setProtectedHeader({ alg: "RS256", kid: "one" })
          .sign(privateKey);
      },
    ],
    [
      "with a key of its own in the header",
      async (issuer) => {
        const { privateKey } = await generateKeyPair("RS256");
        const [jwk = {}] = issuer.keys;
        return new SignJWT(claimsOf(issuer))
          .setProtectedHeader({ alg: "RS256", jwk, jku: `${issuer.url}/mine` })
          .sign(privateKey);
      },
    ],
    ["for another audience", (issuer) => issuer.sign({ aud: "https://other.example" })],
    [
      "for an audience that only begins like ours",
      (issuer) => issuer.sign({ aud: `${AUDIENCE}.evil.example` }),
    ],
    ["for nobody", (issuer) => issuer.sign({ aud: undefined })],
    ["of another issuer", (issuer) => issuer.sign({ iss: "https://other.example" })],
    ["of no issuer", (issuer) => issuer.sign({ iss: undefined })],
    ["whose kid is a path", (issuer) => issuer.sign({}, { kid: "../../../../dev/null" })],
    ["whose kid is an address", (issuer) => issuer.sign({}, { kid: `${issuer.url}/keys` })],
    ["whose kid is unknown", (issuer) => issuer.sign({}, { kid: "two" })],
    ["whose kid is a member of every object", (issuer) => issuer.sign({}, { kid: "__proto__" })],
    ["that does not expire", (issuer) => issuer.sign({ exp: undefined })],
    ["that expires when nobody will revoke it any more", (issuer) => issuer.sign({ exp: 1e300 })],
    ["that is not valid yet", (issuer) => issuer.sign({ nbf: inSeconds(600) })],
    ["without a user", (issuer) => issuer.sign({ sub: undefined })],
    ["with an empty user", (issuer) => issuer.sign({ sub: "" })],
    ["of a user with too long an id", (issuer) => issuer.sign({ sub: "x".repeat(129), name: "Ada" })],
    ["of another type", (issuer) => issuer.sign({}, { typ: "logout+jwt" })],
    ["with an extension that must be understood", (issuer) => issuer.sign({}, { crit: ["x"], x: 1 })],
    [
      "whose claims were changed",
      async (issuer) => {
        const [head, , signature] = (await issuer.sign()).split(".");
        return `${head}.${part({ ...claimsOf(issuer), sub: "root" })}.${signature}`;
      },
    ],
    ["without its signature", async (issuer) => (await issuer.sign()).replace(/[^.]+$/, "")],
    ["that is none", () => "abc.def.ghi"],
  ];

test.each(ATTACKS)("[AUTH-8] a token %s is refused, by every way", async (_, forge) => {
  await using issuer = await startIssuer();
  await using server = await startServer({ settings: issuer.settings });
  expect(await codesOf(server, await forge(issuer))).toEqual(REFUSED);
  await using client = await openClient(server.ws, bearer(await issuer.sign()));
  expect((await client.next("connection_ack")).payload.user_id).toBe("ada");
});

test("[AUTH-8] a token that has expired is refused as such", async () => {
  await using issuer = await startIssuer();
  await using server = await startServer({ settings: issuer.settings });
  const codes = ["token_expired", "token_expired", "token_expired"];
  expect(await codesOf(server, await issuer.sign({ exp: inSeconds(-5) }))).toEqual({ ...REFUSED, codes });
});

test("[AUTH-8] the clock of the issuer may differ by the setting, and no more", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, authClockSkewS: 60 } });
  const statusOf = async (claims: Record<string, unknown>) =>
    (await fetch(`${server.url}/api/ws/rooms`, bearer(await tokenOf("ada", claims)))).status;
  expect(await statusOf({ exp: inSeconds(-30) })).toBe(200);
  expect(await statusOf({ exp: inSeconds(-61) })).toBe(401);
  expect(await statusOf({ nbf: inSeconds(30) })).toBe(200);
  expect(await statusOf({ nbf: inSeconds(90) })).toBe(401);
});

test("[AUTH-8] a token of 8,192 characters is read, a longer one is refused before that", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const sized = async (padding: number) => tokenOf("ada", { exp: inAnHour, padding: "x".repeat(padding) });
  const inAnHour = Math.floor(inSeconds(3_600));
  const { maxTokenCharacters: most } = SERVER_LIMITS;
  let padding = Math.floor(((most - (await sized(0)).length) * 3) / 4);
  while ((await sized(padding)).length > most) padding--;
  const fitting = await sized(padding);
  expect(most - fitting.length).toBeLessThan(4);
  await using client = await openClient(server.ws, bearer(fitting));
  expect((await client.next("connection_ack")).payload.user_id).toBe("ada");
  expect(await codesOf(server, await sized(padding + 4))).toEqual(REFUSED);
});

test("[AUTH-8] two keys of one kid prove nothing", async () => {
  await using issuer = await startIssuer();
  await using other = await startIssuer();
  issuer.keys.push(...other.keys);
  await using server = await startServer({ settings: issuer.settings });
  expect(await codesOf(server, await issuer.sign())).toEqual(REFUSED);
});

test("[AUTH-8] with a secret, tokens of other algorithms and of other secrets are refused", async () => {
  await using issuer = await startIssuer();
  await using server = await startServer({ settings: WITH_SECRET });
  expect(await codesOf(server, await issuer.sign())).toEqual(REFUSED);
  expect(await codesOf(server, await tokenOf("ada", {}, "another secret that is long enough, too"))).toEqual(
    REFUSED,
  );
  const strong = await new SignJWT({ sub: "ada", exp: inSeconds(60) })
    .setProtectedHeader({ alg: "HS512" })
    .sign(Buffer.from(`${WITH_SECRET.authJwtSecret}`));
  expect(await codesOf(server, strong)).toEqual(REFUSED);
});

test("[AUTH-16] no token, ticket or secret is in a log line, an answer or a metric", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const good = await tokenOf("ada");
  const bad = await tokenOf("ada", { nbf: inSeconds(600) });
  const answers: string[] = [];
  for (const token of [good, bad]) {
    const response = await fetch(`${server.url}/api/ws/rooms`, bearer(token));
    answers.push(await response.text());
    await using client = await openClient(server.ws, bearer(token));
    await (token === good ? client.next("connection_ack") : client.closed);
    await using later = await openClient(server.ws);
    later.send("authenticate", { token });
    await later.nextOf("authenticated", "error_message");
    answers.push(JSON.stringify([client.log, later.log]));
  }
  const issued = await fetch(`${server.url}/api/ws/tickets`, { method: "POST", ...bearer(good) });
  const { ticket } = (await issued.json()) as { ticket: string };
  await using client = await openClient(`${server.ws}?ticket=${ticket}`);
  await client.next("connection_ack");
  answers.push(await (await fetch(`${server.url}/metrics`, bearer(good))).text());
  const said = [...server.logged, ...answers].join("\n");
  expect(server.logged.length).toBeGreaterThan(0);
  for (const word of [good, bad, ...bad.split(".").slice(1), ticket, `${WITH_SECRET.authJwtSecret}`]) {
    expect(said.includes(word)).toBe(false);
  }
});
