import type {
  McpCatalogEntryView,
  McpProfileView,
  McpReloadResult,
  McpRuntimeSnapshot,
  McpToolCallResult,
} from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { oneLine, printable } from "../output/text.ts";
import { age } from "../output/time.ts";

export function serverTable({ servers }: McpRuntimeSnapshot, style: Style): string {
  if (servers.length === 0) return "No MCP servers.";
  return table(
    servers,
    [
      { title: "SERVER", value: (one) => one.server, keep: true },
      { title: "TRANSPORT", value: (one) => one.transport },
      { title: "FROM", value: (one) => one.source },
      { title: "STATE", value: (one) => one.health.state.replaceAll("_", " ") },
      { title: "TOOLS", value: (one) => String(one.tools.length) },
      {
        title: "ANSWERED",
        value: ({ health }) =>
          health.last_success_at_ms === undefined ? "" : age(health.last_success_at_ms, style.now),
      },
      { title: "ERROR", value: (one) => (one.error === undefined ? "" : oneLine(one.error)) },
    ],
    style,
  );
}

export function reloadText({ added, removed, changed, mcp }: McpReloadResult, style: Style): string {
  const { colors } = style;
  const lines = [
    ...added.map((name) => colors.green(`+ ${name}`)),
    ...removed.map((name) => colors.red(`- ${name}`)),
    ...changed.map((name) => `~ ${name}`),
  ];
  if (lines.length === 0) lines.push(colors.dim("the configuration is as it was"));
  return `${lines.join("\n")}\n\n${serverTable(mcp, style)}`;
}

export function catalogTable(entries: readonly McpCatalogEntryView[], style: Style): string {
  if (entries.length === 0) return "No entries.";
  return table(
    entries,
    [
      { title: "ID", value: (one) => one.id, keep: true },
      { title: "STATUS", value: (one) => one.status },
      { title: "PROFILES", value: (one) => one.profiles.join(", ") },
      { title: "AUTH", value: (one) => one.auth },
      { title: "RISK", value: (one) => one.risk },
      { title: "ENDPOINT", value: (one) => one.endpoint },
    ],
    style,
  );
}

export function profileTable(profiles: readonly McpProfileView[], style: Style): string {
  return table(
    profiles,
    [
      { title: "ID", value: (one) => one.id, keep: true },
      { title: "ENTRIES", value: (one) => one.entry_ids.join(", ") },
      { title: "WHAT", value: (one) => one.description },
    ],
    style,
  );
}

/** Text as it came, everything else as JSON. */
export function toolCallText({ output }: McpToolCallResult): string {
  const content = (output as { content?: { type?: string; text?: string }[] } | null)?.content ?? [];
  const texts = content.map((item) =>
    item.type === "text" && item.text !== undefined ? item.text : JSON.stringify(item),
  );
  return printable(texts.length === 0 ? JSON.stringify(output, null, 2) : texts.join("\n"));
}
