import type { Tool, ToolOutcome, ToolPort } from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Redactor } from "./redactor.ts";

/**
 * Tools whose results hold no secret of the daemon: what a command printed or a server answered goes to the journal, to
 * whoever watches, and to the provider of a model.
 */
export function redactedTools(tools: ToolPort, redactor: Redactor): ToolPort {
  const wrapped = new Map(tools.all().map((tool) => [tool.name, redacted(tool, redactor)]));
  const all = [...wrapped.values()];
  return { all: () => all, get: (name) => wrapped.get(name) };
}

function redacted(tool: Tool, redactor: Redactor): Tool {
  const { reconcile } = tool;
  return {
    ...tool,
    async execute(input, context) {
      const blobs = redactedBlobs(context.blobs, redactor);
      const outcome = await tool.execute(input, { ...context, blobs });
      return clean(outcome, redactor);
    },
    ...(reconcile === undefined
      ? {}
      : {
          async reconcile(input, context) {
            const found = await reconcile(input, context);
            if (found.kind === "applied") return { ...found, output: redactor.json(found.output) };
            return found.kind === "unknown" && found.detail !== undefined
              ? { ...found, detail: redactor.text(found.detail) }
              : found;
          },
        }),
  };
}

/** Output that is too long for a result is kept whole as a blob, and read again later. */
function redactedBlobs(blobs: Blobs, redactor: Redactor): Blobs {
  return {
    put: (content) => blobs.put(redactor.bytes(content instanceof Uint8Array ? once(content) : content)),
    read: (sha256, range) => blobs.read(sha256, range),
    stat: (sha256) => blobs.stat(sha256),
  };
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function clean(outcome: ToolOutcome, redactor: Redactor): ToolOutcome {
  return outcome.kind === "result" ? { ...outcome, output: redactor.json(outcome.output) } : outcome;
}
