import { beforeAll, expect, test } from "vitest";
import { ApiDocument, type Described } from "./support/document.ts";
import type { Fixture } from "./support/fixture.ts";
import { bash, script } from "./support/script.ts";

/** What programs send that their authors never saw. */
const HOSTILE: unknown[] = [
  "",
  "\0",
  "\ud800",
  "x".repeat(3_000),
  -1,
  0,
  1.5,
  null,
  [],
  {},
  { "\0": ["\ud800"] },
];
const HOSTILE_SEGMENTS = ["%00", "%ED%A0%80", "%", "..%2f..%2fetc", "__proto__", "1e9", "x".repeat(2_000)];
const HOSTILE_QUERIES = [
  "",
  "\0",
  "-1",
  "0",
  "1",
  "1.5",
  "007",
  "99999999999999999999",
  "true",
  "yes",
  "[]",
  "AAAA",
  "🦉",
];
const HOSTILE_BODIES = ["", "{", "[]", '{"a":1e999}', '{"__proto__":{"x":1}}', "{} {}"];
/** Never an operation's own: the bytes were no request. */
const ANYWHERE = [408, 431];
/** How the daemon says that a parameter is not what the document says. */
const WRONG_QUERY = /^(request_query_invalid|invalid_limit)$/;

const JSON_TYPE = { "content-type": "application/json" };

/** The daemon holds itself and its callers to its OpenAPI document, whatever it is sent. */
export function documented(fixture: Fixture): void {
  const { api } = fixture;
  let document: ApiDocument;
  let known: Record<string, string>;
  beforeAll(async () => {
    document = new ApiDocument((await api.send("GET", "/v1/openapi.json")).text);
    const { session_id, run_id } = await fixture.beginWaiting(script(bash("echo hi")));
    known = { session_id, run_id, turn: "0", revision: "1" };
  });

  const filled = (path: string, value?: string) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => value ?? known[name] ?? "x");

  /** The status and the problem's code of an answer that is as documented. */
  async function answer(
    about: Described,
    path: string,
    body?: string,
  ): Promise<{ status: number; code?: string }> {
    const sent = body === undefined ? {} : { headers: JSON_TYPE, body };
    const { status, headers, text } = await api.send(about.method, path, sent);
    const [type = ""] = (headers.get("content-type") ?? "").split(";");
    const what = `${about.method} ${path.slice(0, 200)} ${body?.slice(0, 200)}: ${status} ${type} ${text.slice(0, 300)}`;
    if (ANYWHERE.includes(status)) return { status };
    expect(status, what).toBeLessThan(500);
    const schema = document.answerOf(about, status, type);
    if (schema === undefined) throw new Error(`no such answer is documented: ${what}`);
    const value = type.includes("json") ? JSON.parse(text) : text;
    if (!document.isValid(schema, value)) throw new Error(`the answer is not as documented: ${what}`);
    return status < 400 ? { status } : { status, code: value.code };
  }

  test("any id gets an answer that is documented", async () => {
    for (const about of document.operations.filter(({ path }) => path.includes("{"))) {
      const shape = document.bodyOf(about);
      const body = shape && JSON.stringify(document.least(shape));
      for (const segment of HOSTILE_SEGMENTS) await answer(about, filled(about.path, segment), body);
    }
  });

  test("a parameter of a query is refused when the document says that it is wrong, and then only", async () => {
    const parameters = document.operations.flatMap((about) =>
      about.operation.parameters
        .filter((parameter) => parameter.in === "query")
        .map(({ name, schema }) => ({ about, name, schema })),
    );
    expect(parameters.length).toBeGreaterThan(50);
    for (const { about, name, schema } of parameters)
      for (const value of HOSTILE_QUERIES) {
        const isRight = document.isValid(schema, value);
        if (isRight && about.path.endsWith("stream")) continue;
        const shape = document.bodyOf(about);
        const path = `${filled(about.path)}?${name}=${encodeURIComponent(value)}`;
        const { status, code = "" } = await answer(
          about,
          path,
          shape && JSON.stringify(document.least(shape)),
        );
        const what = `${about.method} ${path} ${status} ${code}`;
        if (isRight) expect(code, what).not.toMatch(WRONG_QUERY);
        else expect(status, what).toBeGreaterThanOrEqual(400);
      }
  });

  test("a body is refused for its shape when the document does not describe it, and then only", async () => {
    for (const about of document.operations) {
      const shape = document.bodyOf(about);
      if (shape === undefined) continue;
      for (const text of HOSTILE_BODIES) await answer(about, filled(about.path), text);
      const least = document.least(shape) as object;
      for (const name of document.membersOf(shape))
        for (const value of HOSTILE) {
          const body = JSON.stringify({ ...least, [name]: value });
          const { status, code } = await answer(about, filled(about.path), body);
          // A member that is null may also count as left out.
          const others = Object.entries(least).filter(([member]) => member !== name);
          const leftOut = Object.fromEntries(value === null ? others : [...others, [name, value]]);
          const isRight = [JSON.parse(body), leftOut].some((sent) => document.isValid(shape, sent));
          const what = `${about.name} ${body.slice(0, 200)} ${status} ${code}`;
          if (isRight && value !== null) expect(code, what).not.toBe("request_body_invalid");
          if (!isRight) expect(status, what).toBeGreaterThanOrEqual(400);
        }
    }
  });
}
