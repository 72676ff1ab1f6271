import { createModels, loadRoutes, type Models } from "../../src/model/index.ts";
import { memoryBlobs } from "../../src/model/testing/kit.ts";
import type { Rig } from "./rig.ts";

/** What a provider answers, by its host: a status that says why not, or an answer. */
export type Providers = Record<string, number | string>;

/** `a` goes on with `b`, then with the simulator's echo. */
export const CHAINED_ROUTES = `
  default_route = "a"
  [routes.a]
  driver = "openai_compatible"
  default_model = "big"
  base_url = "http://a.test/v1"
  fallback = ["b", "c/echo"]
  [routes.b]
  driver = "openai_compatible"
  default_model = "small"
  base_url = "http://b.test/v1"
  [routes.c]
  driver = "simulator"
`;

/** Models on routes whose providers do as they are told; `asked` is the hosts in the order they were called. */
export function chainedModels(
  rig: Pick<Rig, "clock">,
  providers: Providers,
  file = CHAINED_ROUTES,
): { models: Models; asked: string[] } {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    const { hostname } = new URL(input instanceof Request ? input.url : input);
    asked.push(hostname);
    const answer = providers[hostname] ?? 500;
    return typeof answer === "number"
      ? Response.json({ error: { message: `no: ${answer}` } }, { status: answer })
      : new Response(completion(answer), { headers: { "content-type": "text/event-stream" } });
  };
  const models = createModels({
    routes: loadRoutes({ file, env: {} }),
    clock: rig.clock,
    random: { hex: () => "00", unit: () => 0.5 },
    blobs: memoryBlobs({}),
    fetch,
  });
  return { models, asked };
}

function completion(text: string): string {
  const chunks = [
    { choices: [{ index: 0, delta: { role: "assistant", content: text }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  ];
  return [...chunks.map((chunk) => JSON.stringify({ id: "x", ...chunk })), "[DONE]"]
    .map((data) => `data: ${data}\n\n`)
    .join("");
}
