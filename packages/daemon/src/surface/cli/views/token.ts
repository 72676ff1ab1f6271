import type { CreatedToken, TokenView } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

export function tokenTable(tokens: TokenView[], style: Style): string {
  if (tokens.length === 0) return "No named tokens.";
  return table(
    tokens,
    [
      { title: "NAME", value: (token) => token.name, keep: true },
      { title: "VERBS", value: (token) => token.verbs.join(" ") },
      { title: "RESOURCES", value: (token) => token.resources.join(" ") },
      { title: "EXPIRES", value: (token) => timeText(token.expires_at_ms, "never", style) },
      { title: "LAST USED", value: (token) => timeText(token.last_used_at_ms, "never", style) },
      { title: "CREATED BY", value: (token) => token.created_by },
    ],
    style,
  );
}

/** The secret stands on a line of its own: it is there to be copied, now or never. */
export function createdToken(token: CreatedToken, style: Style): string {
  const facts = fields(
    [
      ["name", token.name],
      ["id", token.token_id],
      ["verbs", token.verbs.join(" ")],
      ["resources", token.resources.join(" ")],
      ["expires", timeText(token.expires_at_ms, "never", style)],
    ],
    style,
  );
  return `${facts}\n\n${token.secret}\n\n${style.colors.dim("Keep it now: it is not shown again.")}`;
}

function timeText(atMs: number | undefined, absent: string, style: Style): string {
  return atMs === undefined ? absent : age(atMs, style.now);
}
