import { API_REVISION, CONTROL_PLANE_VERSION, type Endpoint, endpoints } from "@kheish/contract";
import { BEARER_SCHEME, describeOperation, describeProblem, PROBLEM_RESPONSE } from "./operation.ts";
import { SchemaCatalog } from "./schema-catalog.ts";

/** The contract's endpoint table as an OpenAPI document: there is no second list that could drift from it. */
export function openApiDocument(): object {
  const catalog = new SchemaCatalog();
  const problem = describeProblem(catalog);
  const operations = Object.values(endpoints).map((endpoint: Endpoint) => ({
    endpoint,
    write: describeOperation(endpoint, catalog),
  }));
  const paths: Record<string, Record<string, object>> = {};
  for (const { endpoint, write } of operations) {
    // The standard has no name for a parameter of several segments.
    const path = endpoint.path.replace("{*", "{");
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: write() };
  }
  return {
    openapi: "3.1.0",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: {
      title: "Kheish control plane",
      version: CONTROL_PLANE_VERSION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      "x-api-revision": API_REVISION,
      "x-sse-replay": true,
      "x-typed-sse-heartbeat": true,
    },
    // Where the document came from, whatever proxy stands in front.
    servers: [{ url: "/" }],
    tags: [...new Set(operations.map(({ endpoint }) => endpoint.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: catalog.components(),
      responses: { [PROBLEM_RESPONSE]: problem() },
      securitySchemes: {
        [BEARER_SCHEME]: {
          type: "http",
          scheme: "bearer",
          description:
            "The admin token, the read-only token where the role `read` suffices, or a named token with the verb " +
            "`x-kheish-verb` for the path.",
        },
      },
    },
  };
}
