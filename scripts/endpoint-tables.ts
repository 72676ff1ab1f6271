// Writes the contract's endpoint table without its schemas, for those who must not load them: the SDK, which runs in
// browsers, and the command line, whose calls are over before the schemas would be built.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Endpoint, endpoints } from "@kheish/contract";
import { z } from "zod";

type RowOf = (endpoint: Endpoint) => object;

function write(file: string, rowOf: RowOf, { imports, type }: { imports: string; type: string }): void {
  const rows = Object.entries<Endpoint>(endpoints).map(
    ([id, endpoint]) => `  ${id}: ${JSON.stringify(rowOf(endpoint))},`,
  );
  writeFileSync(
    fileURLToPath(new URL(`../packages/${file}`, import.meta.url)),
    `${imports}

/** Written by \`npm run format\` from the contract's endpoint table; the compiler refuses one that is not it. */
export const table = {
${rows.join("\n")}
} as const satisfies ${type};
`,
  );
}

const basics = ({ method, path, kind }: Endpoint) => {
  const isPlain = kind === undefined || kind === "json";
  return { method, path, ...(isPlain ? {} : { kind }) };
};

/** The members that an answer always has, in a line; undefined when it is no object, or may be one of several. */
function membersOf({ responses }: Endpoint): string | undefined {
  const [schema] = Object.values(responses);
  if (!(schema instanceof z.ZodObject)) return undefined;
  const members = Object.entries<z.ZodType>(schema.shape).filter(
    ([, member]) => !member.safeParse(undefined).success,
  );
  return members.map(([name]) => name).join(" ");
}

write(
  "sdk/src/endpoints/table.ts",
  (endpoint) => ({ ...basics(endpoint), ...(endpoint.idempotent === true && { idempotent: true }) }),
  {
    imports:
      'import type { EndpointId } from "@kheish/contract";\nimport type { EndpointRow } from "./rows.ts";',
    type: "{ readonly [E in EndpointId]: EndpointRow<E> }",
  },
);

write(
  "daemon/src/surface/cli/client/table.ts",
  (endpoint) => {
    const isJson = endpoint.kind === undefined || endpoint.kind === "json";
    const members = isJson ? membersOf(endpoint) : undefined;
    return { ...basics(endpoint), ...(members === undefined ? {} : { members }) };
  },
  {
    imports:
      'import type { EndpointId } from "@kheish/contract";\nimport type { EndpointRow } from "./endpoint-types.ts";',
    type: "{ readonly [E in EndpointId]: EndpointRow<E> }",
  },
);
