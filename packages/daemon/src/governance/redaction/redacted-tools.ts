import type { Json, UserQuestion } from "@kheish/contract";
import type { Tool, ToolOutcome, ToolPort } from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Redactor } from "./redactor.ts";

/**
 * Tools whose results hold no secret of the daemon: what a command printed or a server answered goes to the journal, to
 * whoever watches, and to the provider of a model. Tools may come and go.
 */
export function redactedTools(tools: ToolPort, redactor: Redactor): ToolPort {
  const wrapped = new WeakMap<Tool, Tool>();
  return {
    all: () => tools.all(),
    get(name) {
      const tool = tools.get(name);
      if (tool === undefined) return undefined;
      const known = wrapped.get(tool) ?? redacted(tool, redactor);
      wrapped.set(tool, known);
      return known;
    },
  };
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
  switch (outcome.kind) {
    case "result":
      return { ...outcome, output: redactor.json(outcome.output) };
    case "ask":
      return {
        ...outcome,
        questions: redactor.json(outcome.questions as unknown as Json) as unknown as UserQuestion[],
      };
    default:
      return outcome;
  }
}
