import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnswerResult } from "../answer-events.js";
import { createEngine } from "../create-engine.js";
import type { Engine } from "../engine.js";

/** Nothing here has a label: classes, properties and things are known by the local names of their IRIs alone. */
const STAFF = `
@prefix c: <http://company.example/> .
c:Acme a c:Company ; c:headquarters c:Springfield .
c:Globex a c:Company ; c:headquarters c:Cypress_Creek .
c:Jane_Roe a c:Employee ; c:worksFor c:Acme ; c:salary 5200 .
c:John_Doe a c:Employee ; c:worksFor c:Acme ; c:salary 4100 .
c:Ann_Smith a c:Employee ; c:worksFor c:Globex ; c:salary 6300 .
`;

let folder = "";
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "questions-"));
  await writeFile(join(folder, "staff.ttl"), STAFF);
  engine = createEngine({ entries: [{ id: "local", title: "Staff", data: [join(folder, "staff.ttl")] }] });
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

async function ask(question: string): Promise<{ result: AnswerResult; values: readonly string[] }> {
  const values: string[] = [];
  for await (const event of engine.answer({ question, projection: "answer" }, new AbortController().signal)) {
    if (event.kind === "rows") {
      for (const row of event.rows) for (const term of Object.values(row)) values.push(String(term.value));
    }
    if (event.kind === "result") return { result: event.result, values: values.sort() };
  }
  throw new Error("no result");
}

const local = (values: readonly string[]) =>
  values.map((value) => value.replace("http://company.example/", ""));

test("a graph without any label is asked by the local names of its IRIs", async () => {
  expect(local((await ask("List all employees")).values)).toEqual(["Ann_Smith", "Jane_Roe", "John_Doe"]);
  expect(local((await ask("Which employees work for Acme?")).values)).toEqual(["Jane_Roe", "John_Doe"]);
  expect((await ask("How many employees are there?")).values).toEqual(["3"]);
  expect((await ask("What is the salary of Jane Roe?")).values).toEqual(["5200"]);
});

test("a question that names nothing is not understood, and the failure says what there is", async () => {
  await expect(ask("the of and with")).rejects.toMatchObject({ code: "not_understood" });
  await expect(ask("quantum chromodynamics lattice")).rejects.toMatchObject({ code: "not_understood" });
});

test("words that were not understood are told with their places", async () => {
  const question = "List all employees xylophonically";
  const { result } = await ask(question);
  expect(result.notUnderstood.map(({ text }) => text)).toContain("xylophonically");
  for (const { start, end, text } of result.notUnderstood) expect(question.slice(start, end)).toBe(text);
});

test.each([
  'List all employees named "x" } ; DROP ALL #',
  "employees <http://evil.example/> } UNION { ?s ?p ?o",
  "employees of \\u0022 \\\\ ' \" ''' \"\"\"",
  "employees {a} \u0000 \u{1F600}",
])("%j makes a query that passes every check, or is not understood", async (question) => {
  try {
    const { result } = await ask(question);
    expect(result.form === "select" || result.form === "ask").toBe(true);
    expect(result.query).not.toMatch(/DROP|UNION \{ \?s \?p \?o/);
  } catch (error) {
    expect(error).toMatchObject({ code: "not_understood" });
  }
});

test("a question in another script is not understood, rather than answered at random", async () => {
  await expect(ask("有哪些蛋白质与疾病有关")).rejects.toMatchObject({ code: "not_understood" });
});

test("a question as long as may be asked is read to its end, a longer one is refused", async () => {
  const longest = `List all employees ${"and so on ".repeat(200)}`.slice(0, 2_000);
  const { values } = await ask(longest);
  expect(values.length).toBeGreaterThan(0);
  await expect(ask(`${longest}x`)).rejects.toMatchObject({ code: "bad_request" });
});

test("the same question gives the same query", async () => {
  const first = await ask("Which employees work for Acme?");
  const second = await ask("Which employees work for Acme?");
  expect(second.result.query).toBe(first.result.query);
  expect(second.result.confidence).toBe(first.result.confidence);
});
