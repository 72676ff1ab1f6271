import { type Endpoint, endpoints, problemRegistry } from "@kheish/contract";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startTestServer, type TestServer } from "../test-support.ts";
import { SchemaCatalog } from "./schema-catalog.ts";

const Schema = z.record(z.string(), z.unknown());
const Content = z.record(z.string(), z.object({ schema: Schema }));
const Operation = z.object({
  operationId: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: Schema })),
  requestBody: z.object({ required: z.boolean(), content: Content }).optional(),
  responses: z.record(z.string(), z.object({ $ref: z.string().optional(), content: Content.optional() })),
});
const Document = z.object({
  openapi: z.literal("3.1.0"),
  info: z.record(z.string(), z.unknown()),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), Schema), responses: z.record(z.string(), Schema) }),
});

let server: TestServer;
let text: string;
let document: z.infer<typeof Document>;
beforeAll(async () => {
  server = await startTestServer();
  const response = await fetch(`${server.baseUrl}/v1/openapi.json`);
  expect(response.headers.get("content-type")).toBe("application/json");
  text = await response.text();
  document = Document.parse(JSON.parse(text));
});
afterAll(() => server.close());

/** The standard has no name for a parameter of several segments. */
const pathIn = ({ path }: Endpoint) => path.replace("{*", "{");

function operationOf(endpoint: Endpoint) {
  const operation = document.paths[pathIn(endpoint)]?.[endpoint.method.toLowerCase()];
  if (operation === undefined) throw new Error(`${endpoint.method} ${endpoint.path} is missing`);
  return operation;
}

const table: [string, Endpoint][] = Object.entries(endpoints);

describe("GET /v1/openapi.json (01, Probes and descriptors; 08, OpenAPI)", () => {
  it("describes itself", () => {
    expect(document.info).toMatchObject({
      "x-api-revision": 3,
      "x-sse-replay": true,
      "x-typed-sse-heartbeat": true,
    });
  });

  it("is the same every time", async () => {
    expect(await (await fetch(`${server.baseUrl}/v1/openapi.json`)).text()).toBe(text);
  });

  it.each(table)("has %s with its parameters, its bodies and its problems", (_id, endpoint) => {
    const operation = operationOf(endpoint);
    const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map((parameter) => `{${parameter.name}}`)).toEqual(
      pathIn(endpoint).match(/\{[^}]+\}/g) ?? [],
    );
    expect(inPath.every((parameter) => parameter.required)).toBe(true);
    expect(operation.requestBody !== undefined).toBe(endpoint.body !== undefined);
    if (operation.requestBody !== undefined)
      expect(operation.requestBody.required).toBe(endpoint.bodyOptional !== true);
    const types = { json: "application/json", sse: "text/event-stream", text: "text/plain" };
    const { kind = "json" } = endpoint;
    const type = endpoint.mediaType ?? (kind === "binary" ? "application/octet-stream" : types[kind]);
    for (const status of Object.keys(endpoint.responses))
      expect(operation.responses[status]?.content?.[type]?.schema).toBeDefined();
    for (const status of [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503])
      expect(operation.responses[status]?.$ref).toBe("#/components/responses/Problem");
    expect(operation.security).toEqual(endpoint.access === "none" ? [] : [{ bearerAuth: [endpoint.access] }]);
  });

  it("has no operation the table does not have", () => {
    const described = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(described).toHaveLength(table.length);
    expect(new Set(described.map((operation) => operation.operationId)).size).toBe(table.length);
  });

  it("names operations by method and path", () => {
    expect(operationOf(endpoints.cancelRunQuestion).operationId).toBe(
      "post_v1_runs_run_id_questions_request_id_cancel",
    );
    expect(operationOf(endpoints.openapi).operationId).toBe("get_v1_openapi_json");
  });

  it("lists query and header parameters", () => {
    const names = (endpoint: Endpoint) =>
      operationOf(endpoint).parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(names(endpoints.runStream)).toEqual([
      "path run_id",
      "query cursor",
      "query until",
      "query snapshot",
      "header Last-Event-ID",
    ]);
    expect(names(endpoints.submitRun)).toEqual(["path session_id", "header Idempotency-Key"]);
  });

  it("is an OpenAPI document to a validator that we did not write", async () => {
    expect(await new Validator().validate(JSON.parse(text))).toEqual({ valid: true });
  });

  it("says 'any JSON' without a circle, which generators of types cannot follow", () => {
    expect(document.components.schemas.Json).toEqual({ description: "any JSON value" });
  });

  it("02-R10 shows what policies and hooks hold, although the service is who checks it", () => {
    const bodyOf = (endpoint: Endpoint) => JSON.stringify(operationOf(endpoint).requestBody);
    expect(bodyOf(endpoints.putHooks)).toContain('/HookSettingsInput"');
    expect(bodyOf(endpoints.putToolLimits)).toContain('/ToolRuntimeLimitsInput"');
    expect(document.components.schemas.LearningPolicyChange?.required).toEqual(["policy"]);
  });

  it("has no reference that leads nowhere", () => {
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(refs.length).toBeGreaterThan(100);
    const parsed: unknown = JSON.parse(text);
    for (const ref of new Set(refs)) expect(resolve(parsed, ref), ref).toBeDefined();
  });

  it("tells what may be written from what is read, where a default makes them differ", () => {
    const { OperatorConfig, OperatorConfigInput } = document.components.schemas;
    expect(OperatorConfig?.required).toContain("enabled");
    expect(OperatorConfigInput).not.toHaveProperty("required");
    expect(JSON.stringify(operationOf(endpoints.putOperator).requestBody)).toContain("/OperatorConfigInput");
    expect(JSON.stringify(operationOf(endpoints.getOperator).responses)).toContain('/OperatorConfig"');
  });

  it("leaves answers open to new members, and closes requests", () => {
    expect(document.components.schemas.SessionView).not.toHaveProperty("additionalProperties");
    expect(document.components.schemas.SubmitInputRequest?.additionalProperties).toBe(false);
  });

  it("has room for every status of the problem registry", () => {
    const statuses = new Set(Object.values(problemRegistry).flatMap((codes) => Object.values(codes)));
    // Never an operation's: nothing is known of a request whose headers are too large.
    statuses.delete(431);
    for (const status of statuses)
      expect(operationOf(endpoints.putToolLimits).responses).toHaveProperty(String(status));
    // Only what honours If-Match can fail for it.
    statuses.delete(412);
    for (const status of statuses)
      expect(operationOf(endpoints.submitRun).responses).toHaveProperty(String(status));
  });
});

describe("SchemaCatalog", () => {
  const Name = z.string().meta({ id: "TestName" });

  it("refuses two schemas with one id", () => {
    const catalog = new SchemaCatalog();
    catalog.add(z.object({ a: Name }), "input");
    expect(() => catalog.add(z.object({ b: z.int().meta({ id: "TestName" }) }), "input")).toThrow("TestName");
  });

  it("refuses a recursive schema that nobody named", () => {
    type Tree = { children: Tree[] };
    const Tree: z.ZodType<Tree> = z.object({ children: z.array(z.lazy(() => Tree)) });
    expect(() => new SchemaCatalog().add(z.object({ tree: Tree }), "input")).toThrow("has no id");
  });

  it("splits what refers to something split", () => {
    const Inner = z.object({ on: z.boolean().default(false) }).meta({ id: "TestInner" });
    const Outer = z.object({ inner: Inner }).meta({ id: "TestOuter" });
    const catalog = new SchemaCatalog();
    catalog.add(Outer, "input");
    catalog.add(Outer, "output");
    expect(Object.keys(catalog.components())).toEqual([
      "TestInner",
      "TestInnerInput",
      "TestOuter",
      "TestOuterInput",
    ]);
  });
});

function resolve(document: unknown, ref: string): unknown {
  let at = document;
  for (const token of ref.replace(/^#\//, "").split("/")) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.entries(at).find(([key]) => key === token)?.[1];
  }
  return at;
}
