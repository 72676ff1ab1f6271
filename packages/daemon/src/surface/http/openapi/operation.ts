import { type Endpoint, IdempotencyKey, ProblemDetails, verbOf } from "@kheish/contract";
import { PathTemplate } from "../routing/path-template.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { SchemaCatalog } from "./schema-catalog.ts";

/** The statuses every operation may answer with a problem document (08, OpenAPI). */
const PROBLEM_STATUSES = [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503];
const PRECONDITION_FAILED = 412;
const UNSUPPORTED_MEDIA_TYPE = 415;
/** Of settings, whose ETag is their revision. */
const ETAGS = String.raw`^\s*(\*|(W/)?"[0-9]{1,15}"(\s*,\s*(W/)?"[0-9]{1,15}")*)\s*$`;
const { pattern, maxLength } = IdempotencyKey.meta() ?? {};
const keyLimits = { pattern, maxLength };
export const PROBLEM_RESPONSE = "Problem";
export const BEARER_SCHEME = "bearerAuth";
const MEDIA_TYPES = {
  json: "application/json",
  sse: "text/event-stream",
  text: "text/plain",
  binary: "application/octet-stream",
} as const;

/** Adds the endpoint's schemas to the catalog; answers what writes the operation once all are known. */
export function describeOperation(endpoint: Endpoint, catalog: SchemaCatalog): () => object {
  const query = endpoint.query && catalog.add(endpoint.query, "input");
  const shownBody = endpoint.shownBody ?? endpoint.body;
  const body = shownBody && catalog.add(shownBody, "input");
  const answers = Object.entries(endpoint.responses).map(
    ([status, schema]) => [status, catalog.add(schema, "output")] as const,
  );
  return () => ({
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    tags: [endpoint.tag],
    security: endpoint.access === "none" ? [] : [{ [BEARER_SCHEME]: [endpoint.access] }],
    // What a named token needs; the schemes above know two roles only.
    ...(endpoint.access === "none" ? {} : { "x-kheish-verb": verbOf(endpoint) }),
    parameters: [
      ...pathParameters(endpoint),
      ...(query === undefined ? [] : queryParameters(catalog.link(query, "input"))),
      ...headerParameters(endpoint),
    ],
    ...(body !== undefined && {
      requestBody: {
        required: endpoint.bodyOptional !== true,
        content: { "application/json": { schema: catalog.link(body, "input") } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        problemStatuses(endpoint).map((status) => [
          status,
          { $ref: `#/components/responses/${PROBLEM_RESPONSE}` },
        ]),
      ),
      ...Object.fromEntries(
        answers.map(([status, schema]) => [status, answer(endpoint, catalog.link(schema, "output"))]),
      ),
    },
  });
}

function problemStatuses(endpoint: Endpoint): number[] {
  return [
    ...PROBLEM_STATUSES,
    ...(endpoint.conditional ? [PRECONDITION_FAILED] : []),
    ...(endpoint.body === undefined ? [] : [UNSUPPORTED_MEDIA_TYPE]),
  ];
}

/** The problem document as a shared answer. */
export function describeProblem(catalog: SchemaCatalog): () => object {
  const schema = catalog.add(ProblemDetails, "output");
  return () => ({
    description: "The request was refused or failed; `code` says why.",
    content: { "application/problem+json": { schema: catalog.link(schema, "output") } },
  });
}

/** `GET /v1/sessions/{session_id}` -> `get_v1_sessions_session_id` (08, OpenAPI). */
function operationId(endpoint: Endpoint): string {
  return (endpoint.method.toLowerCase() + endpoint.path).replaceAll(/[{}*]/g, "").replaceAll(/[/.-]/g, "_");
}

function answer(endpoint: Endpoint, schema: JsonSchema): object {
  const mediaType = endpoint.mediaType ?? MEDIA_TYPES[endpoint.kind ?? "json"];
  const description = endpoint.kind === "sse" ? "Frames whose `data` is one such event." : endpoint.summary;
  return { description, content: { [mediaType]: { schema } } };
}

function pathParameters(endpoint: Endpoint): object[] {
  return new PathTemplate(endpoint.path).parameters.map((name) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
  }));
}

function queryParameters(query: JsonSchema): object[] {
  const required = new Set(query.required ?? []);
  return Object.entries(query.properties ?? {}).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === "boolean" ? {} : schema;
    return {
      name,
      in: "query",
      required: required.has(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

function headerParameters(endpoint: Endpoint): object[] {
  const header = (name: string, description: string, limits = {}) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string", ...limits },
  });
  return [
    ...(endpoint.idempotent
      ? [header("Idempotency-Key", "Repeating a request with its key repeats its answer.", keyLimits)]
      : []),
    ...(endpoint.conditional
      ? [header("If-Match", "Refuse unless the ETag is still this one.", { pattern: ETAGS })]
      : []),
    ...(endpoint.kind === "sse" ? [header("Last-Event-ID", "Resume after this event.")] : []),
  ];
}
