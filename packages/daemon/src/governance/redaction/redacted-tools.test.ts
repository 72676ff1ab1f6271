import { expect, it } from "vitest";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { memoryBlobs } from "../../model/testing/kit.ts";
import { toolPort } from "../../tools/index.ts";
import { redactedTools } from "./redacted-tools.ts";
import { REDACTED, Redactor } from "./redactor.ts";

const SECRET = "the-secret-of-the-daemon";

function toolThat(execute: Tool["execute"], reconcile?: Tool["reconcile"]): Tool {
  const redactor = new Redactor();
  redactor.hold("slot:a", [SECRET]);
  const tool: Tool = {
    name: "t",
    description: "",
    input_schema: {},
    effect: "once",
    timeoutMs: 1_000,
    sandbox: "inherited",
    allowsParallel: true,
    parse: (input) => ({ ok: true, input }),
    execute,
    ...(reconcile === undefined ? {} : { reconcile }),
  };
  const wrapped = redactedTools(toolPort([tool]), redactor).get("t");
  if (wrapped === undefined) throw new Error("the tool is gone");
  return wrapped;
}

const kept: Buffer[] = [];
const context = {
  blobs: {
    ...memoryBlobs({}),
    put: async (content: AsyncIterable<Uint8Array>) => {
      for await (const piece of content) kept.push(Buffer.from(piece));
      return { sha256: "x", sizeBytes: 0 };
    },
  },
} as unknown as ToolContext;

it("02-R93 03-R6 a tool's results, errors, readings and blobs hold no secret", async () => {
  const outcome: ToolOutcome = {
    kind: "result",
    output: { error: `no ${SECRET}`, n: [SECRET] },
    is_error: true,
  };
  const tool = toolThat(
    async (_input, { blobs }) => {
      await blobs.put(Buffer.from(`long ${SECRET} output`));
      return outcome;
    },
    async () => ({ kind: "applied", output: { text: SECRET } }),
  );
  expect(await tool.execute({}, context)).toEqual({
    kind: "result",
    output: { error: `no ${REDACTED}`, n: [REDACTED] },
    is_error: true,
  });
  expect(Buffer.concat(kept).toString()).toBe(`long ${REDACTED} output`);
  expect(await tool.reconcile?.({}, context)).toEqual({ kind: "applied", output: { text: REDACTED } });
  const unknown = toolThat(
    async () => outcome,
    async () => ({ kind: "unknown", detail: `why ${SECRET}` }),
  );
  expect(await unknown.reconcile?.({}, context)).toEqual({ kind: "unknown", detail: `why ${REDACTED}` });
});

it("a tool that cannot be read back stays one", () => {
  expect(toolThat(async () => ({ kind: "ask", questions: [] })).reconcile).toBeUndefined();
});
