import { z } from "zod";
import type { ServerSpec } from "../../tools/mcp/index.ts";
import { McpConfigError } from "./config-error.ts";

const Imported = z.looseObject({
  server_name: z.string(),
  server_url: z.string(),
  access_token: z.string().min(1),
  expires_at: z.number().nullish().describe("Unix milliseconds"),
});
const ImportedFile = z.record(z.string(), z.unknown());

/**
 * Gives servers the tokens of another program's credentials file, where name and URL are the same (03, bearer
 * precedence). A token that is over is left out.
 */
export function withImportedTokens(
  specs: readonly ServerSpec[],
  text: string,
  path: string,
  nowMs: number,
): ServerSpec[] {
  const tokens = readTokens(text, path).filter(
    ({ expires_at }) => (expires_at ?? Number.POSITIVE_INFINITY) > nowMs,
  );
  return specs.map((spec) => {
    const { url } = spec.entry;
    const found = tokens.find((one) => one.server_name === spec.name && one.server_url === url);
    return url === undefined || found === undefined ? spec : { ...spec, importedBearer: found.access_token };
  });
}

function readTokens(text: string, path: string): z.infer<typeof Imported>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new McpConfigError(`${path} is no valid JSON`);
  }
  const file = ImportedFile.safeParse(value);
  if (!file.success) throw new McpConfigError(`${path} must hold an object`);
  return Object.values(file.data).flatMap((one) => {
    const entry = Imported.safeParse(one);
    return entry.success ? [entry.data] : [];
  });
}
