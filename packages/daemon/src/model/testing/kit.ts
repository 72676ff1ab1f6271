import type { AssistantMessage, Message } from "../../engine/messages.ts";
import type {
  ModelCallOptions,
  ModelDelta,
  ModelOutcome,
  ModelPort,
  ModelRequest,
  ToolSpec,
} from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import { SimulatedClock } from "../../kernel/clock.ts";
import type { ModelWarning } from "../drivers/provider-driver.ts";
import { createModels } from "../index.ts";
import { loadRoutes } from "../routes/inventory.ts";

/** Longer waits than this are timeouts of an attempt, which a test fires on purpose or not at all. */
const LONGEST_BACKOFF_MS = 60_000;

/** Models on a routes file, with a clock that the test owns. For tests only. */
export function testModels(file: string, env: Record<string, string> = {}, blobs: Blobs = memoryBlobs({})) {
  const clock = new SimulatedClock();
  const warnings: ModelWarning[] = [];
  const models = createModels({
    routes: loadRoutes({ file, env }),
    fetch: globalThis.fetch,
    clock,
    random: { hex: () => "00", unit: () => 0.5 },
    blobs,
    onWarning: (warning) => warnings.push(warning),
  });
  return { models, clock, warnings };
}

export const TEST_KEY = "sk-test-0123456789abcdef";

/** Models with one route, `main`, to a double. */
export function routeKit(
  target: { driver: string; model: string; baseUrl: string; more?: string },
  blobs?: Blobs,
) {
  const { driver, model, baseUrl, more = "" } = target;
  const file = `
    [routes.main]
    driver = "${driver}"
    default_model = "${model}"
    api_key = "${TEST_KEY}"
    base_url = "${baseUrl}"
    ${more}
  `;
  return { ...testModels(file, {}, blobs), route: { route_id: "main", driver, model } };
}

/** Calls, and lets the simulated time of every backoff pass. Answers what was streamed and how long was waited. */
export async function callThrough(
  { models, clock }: { models: ModelPort; clock: SimulatedClock },
  request: ModelRequest,
  signal = new AbortController().signal,
): Promise<{ outcome: ModelOutcome; deltas: ModelDelta[]; waits: number[] }> {
  const deltas: ModelDelta[] = [];
  const waits: number[] = [];
  const options: ModelCallOptions = { signal, onDelta: (delta) => deltas.push(delta) };
  let done = false;
  const call = models.call(request, options).finally(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    const wait = (clock.nextDueAt() ?? Number.POSITIVE_INFINITY) - clock.now();
    if (wait > LONGEST_BACKOFF_MS) continue;
    waits.push(wait);
    await clock.advance(wait);
  }
  return { outcome: await call, deltas, waits };
}

/** A request of one user message, with everything else at rest. */
export function requestOf(
  route: ModelRequest["route"],
  input: string | Message[],
  more: Partial<ModelRequest> = {},
): ModelRequest {
  return {
    route,
    model: route.model,
    kind: "turn",
    system: "You are a test.",
    messages: typeof input === "string" ? [userMessage(input)] : input,
    tools: [],
    generation: {},
    session_id: "session-1",
    run_id: "run-1",
    turn: 0,
    ...more,
  };
}

export function userMessage(text: string, id = "u1"): Message {
  return { role: "user", id, parts: [{ type: "text", text }] };
}

export function memoryBlobs(contents: Record<string, Uint8Array>): Blobs {
  return {
    put: () => Promise.reject(new Error("read only")),
    stat: async () => undefined,
    read: async (sha256) => {
      const content = contents[sha256];
      return content === undefined
        ? undefined
        : (async function* () {
            yield content;
          })();
    },
  };
}

/** A tool that doubles may ask for. */
export const NOTE: ToolSpec = {
  name: "note",
  description: "Notes something.",
  input_schema: { type: "object", properties: { text: { type: "string" } } },
};

export function answerOf(outcome: ModelOutcome): Omit<AssistantMessage, "id"> {
  if (!outcome.ok) throw new Error(`${outcome.error.class}: ${outcome.error.message}`);
  return outcome.message;
}

/** Text without what a provider adds for itself, such as a sealed reasoning item. */
export function textIn(outcome: ModelOutcome): string {
  return answerOf(outcome)
    .parts.flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join("");
}

/** The conversation after an answer, with one result for each of its calls. */
export function continued(outcome: ModelOutcome): Message[] {
  const message = answerOf(outcome);
  const calls = message.parts.filter((part) => part.type === "tool_call");
  const results = calls.map(({ id, name }) => ({
    call_id: id,
    tool_name: name,
    output: "noted",
    is_error: false,
  }));
  return [userMessage("go"), { ...message, id: "a1" }, { role: "tool", results }];
}
