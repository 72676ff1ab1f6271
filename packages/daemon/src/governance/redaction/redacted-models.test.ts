import { expect, it } from "vitest";
import type { ModelCallOptions, ModelOutcome, ModelPort, ModelRequest } from "../../engine/ports.ts";
import { redactedModels } from "./redacted-models.ts";
import { REDACTED, Redactor } from "./redactor.ts";

const SECRET = "the-secret-of-the-daemon";
const answer = (text: string): ModelOutcome => ({
  ok: true,
  message: {
    role: "assistant",
    parts: [
      { type: "text", text },
      { type: "tool_call", id: "c", name: "bash", input: { command: text } },
    ],
    route_id: "r",
    model: "m",
    finish_reason: "stop",
  },
});

function modelsThatSay(outcome: ModelOutcome): ModelPort {
  const redactor = new Redactor();
  redactor.hold("slot:a", [SECRET]);
  const port: ModelPort = {
    call: async (_request: ModelRequest, { onDelta }: ModelCallOptions) => {
      onDelta?.({ part: "text", text: `it is ${SECRET}` });
      return outcome;
    },
    limits: () => ({}),
    priceOf: () => undefined,
  };
  return redactedModels(port, redactor);
}

it("02-R93 an answer that hands a secret back holds none of it, nor does what is streamed", async () => {
  const heard: string[] = [];
  const options = {
    signal: new AbortController().signal,
    onDelta: ({ text }: { text: string }) => heard.push(text),
  };
  const outcome = await modelsThatSay(answer(`it is ${SECRET}`)).call({} as ModelRequest, options);
  expect(outcome).toEqual(answer(`it is ${REDACTED}`));
  expect(heard.join("")).toBe(`it is ${REDACTED}`);
});

it("an answer without one is handed on as it is", async () => {
  const clean = answer("nothing to hide");
  const { signal } = new AbortController();
  expect(await modelsThatSay(clean).call({} as ModelRequest, { signal })).toBe(clean);
});
