import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartError } from "../../src/main.ts";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { useServed } from "./control.ts";

const serve = useServed();
const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

describe("what serve is told about providers", () => {
  test("02-R38 no route at all keeps a daemon from starting, unless it may be empty", async () => {
    const refused = serve({ noSimulator: true });
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(/--allow-empty-routes/);
    const control = await serve({ noSimulator: true, allowEmptyRoutes: true });
    expect(await control.list()).toMatchObject({ routes: [], inventory: { route_ids: [] } });
  });

  test("02-R26 02-R27 02-R31 flags make the first route, and say where its provider is", async () => {
    const control = await serve({
      providerEnv: {
        KHEISH_PROVIDER: "openai",
        KHEISH_MODEL: "gpt-5.4-mini",
        KHEISH_API_KEY: "sk-flag-0123456789",
        OPENAI_BASE_URL: wire.url,
        XAI_API_KEY: "xai-0123456789",
      },
    });
    const list = await control.list();
    expect(list).toMatchObject({
      inventory: { source_kind: "serve_args", default_route: "openai" },
      routes: [
        {
          route_id: "openai",
          model: "gpt-5.4-mini",
          base_url: `${wire.url}/v1`,
          message: expect.stringContaining("KHEISH_API_KEY"),
        },
        { route_id: "xai", model: "grok-4-fast-reasoning", base_url: "https://api.x.ai/v1" },
        { route_id: "simulator", origin: "builtin" },
      ],
    });
    expect(JSON.stringify(list)).not.toContain("0123456789");
    wire.plan({ status: 401, body: { error: { message: "no such key" } } });
    await control.plays("s", "hello");
    expect(wire.requests).toMatchObject([{ headers: { authorization: "Bearer sk-flag-0123456789" } }]);
  });

  test("a provider's key does not reach the processes of tools", async () => {
    const control = await serve({
      providerEnv: { ANTHROPIC_API_KEY: "sk-ant-0123456789" },
      permissionMode: "bypassPermissions",
    });
    const turns = [
      { tool_calls: [{ name: "bash", input: { command: "env" } }] },
      { text: "{{last_tool_output}}" },
    ];
    const run = await control.plays("s", JSON.stringify({ simulate: turns }), { provider: "simulator" });
    expect(run.status).toBe("completed");
    expect(run.outputs?.[0]?.content).toContain("PATH=");
    expect(JSON.stringify(run)).not.toContain("sk-ant-0123456789");
  });

  test("02-R44 a catalogue that is required and does not come keeps a daemon from starting", async () => {
    const routes = `[routes.or]\ndriver = "openrouter"\ndefault_model = "a/b"\napi_key = "k-or-1"\nbase_url = "${wire.url}"`;
    const providerEnv = { KHEISH_OPENROUTER_MODEL_DISCOVERY: "required" };
    wire.plan({ status: 503, body: {} });
    await expect(serve({ routes, providerEnv })).rejects.toThrow(/HTTP 503/);
    wire.plan({ status: 200, body: { data: [{ id: "a/b", context_length: 32_000 }] } });
    const control = await serve({ routes, providerEnv });
    expect((await control.list()).routes[0]).toMatchObject({ route_id: "or", context_tokens: 32_000 });
  });

  test("prices give each run and session what it cost", async () => {
    const routes = `[routes.sim]\ndriver = "simulator"\n[routes.sim.prices]\ninput = 1_000_000\noutput = 2_000_000`;
    const control = await serve({ routes });
    const usage = { input_tokens: 10, output_tokens: 5 };
    const turns = [
      { tool_calls: [{ name: "noop", input: {} }], usage },
      { text: "done", usage },
    ];
    const run = await control.plays("s", JSON.stringify({ simulate: turns }));
    expect(run).toMatchObject({ status: "completed", usage: { cost_microusd: 40 } });
    await control.plays("s", JSON.stringify({ simulate: turns }));
    const { body } = await control.call("GET", "/v1/sessions/s");
    expect(body).toMatchObject({ usage: { cost_microusd: 80 } });
  });
});
