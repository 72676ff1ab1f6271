import { z } from "zod";
import { isCapable, SEARCH_TOOLS } from "../../engine/index.ts";
import type { Tool, ToolContext } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { success } from "../outcome.ts";

const DEFAULT_LIMIT = 5;
const MAX_LIMIT = 20;

/**
 * Finds tools that are left out of the prompt because there are too many; what it names is in the prompt from the next
 * turn on.
 */
export function searchTools(all: () => Iterable<Tool>): Tool {
  return defineTool({
    name: SEARCH_TOOLS,
    description:
      "There are more tools than the ones you see. Finds them by words of their names and descriptions; what it finds can be called from then on.",
    schema: z.strictObject({
      query: z.string().trim().min(1).describe("What the tool should do, in a few words."),
      limit: z.int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
    }),
    effect: "read",
    boundary: "internal",
    timeoutMs: 10_000,
    sandbox: "inherited",
    allowsParallel: true,
    async execute({ query, limit }, context) {
      const words = wordsOf(query);
      const ranked = [...all()]
        .filter((tool) => isSeen(tool, context))
        .map((tool) => ({ tool, score: score(tool, words) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score || (a.tool.name < b.tool.name ? -1 : 1));
      return success({
        tools: ranked.slice(0, limit).map(({ tool }) => ({ name: tool.name, description: tool.description })),
        found: ranked.length,
      });
    },
  });
}

function isSeen({ name, mcp }: Tool, { capability_scope: scope }: ToolContext): boolean {
  if (scope === undefined || mcp === undefined) return true;
  return isCapable(scope, "mcp_server", mcp.server) && isCapable(scope, "mcp_tool", name);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** A word of the name counts more than one of the description. */
function score({ name, description }: Tool, words: readonly string[]): number {
  const [inName, inText] = [name.toLowerCase(), description.toLowerCase()];
  return words.reduce(
    (sum, word) => sum + (inName.includes(word) ? 3 : 0) + (inText.includes(word) ? 1 : 0),
    0,
  );
}
