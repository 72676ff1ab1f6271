// Writes the endpoint table that the SDK carries: the contract's, without its schemas, so that a browser loads none.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Endpoint, endpoints } from "@kheish/contract";

const rows = Object.entries<Endpoint>(endpoints).map(([id, { method, path, kind, idempotent }]) => {
  const isPlain = kind === undefined || kind === "json";
  const row = { method, path, ...(isPlain ? {} : { kind }), ...(idempotent === true && { idempotent }) };
  return `  ${id}: ${JSON.stringify(row)},`;
});

writeFileSync(
  fileURLToPath(new URL("../packages/sdk/src/endpoints/table.ts", import.meta.url)),
  `import type { EndpointId } from "@kheish/contract";
import type { EndpointRow } from "./types.ts";

/** Written by \`npm run format\` from the contract's endpoint table; the compiler refuses one that is not it. */
export const table = {
${rows.join("\n")}
} as const satisfies { readonly [E in EndpointId]: EndpointRow<E> };
`,
);
