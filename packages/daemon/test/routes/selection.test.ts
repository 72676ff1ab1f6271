import { describe, expect, test } from "vitest";
import { useServed } from "./control.ts";

const serve = useServed();
const simulator = (id: string) => `[routes.${id}]\ndriver = "simulator"\n`;
const FILE = `default_route = "a"\n${["a", "b", "c"].map(simulator).join("")}
[routes.keyless]
driver = "openai"
default_model = "gpt-5.4"
api_key_env = "A_KEY_THAT_IS_NOT_SET"
`;

describe("which route a run goes to", () => {
  test("02-R34 its own word, else its session's policy, else the daemon's default", async () => {
    const control = await serve({ routes: FILE });
    const routeOf = async (more: object = {}) => (await control.plays("s", "hello", more)).route?.route_id;
    expect(await routeOf()).toBe("a");
    await control.call("PUT", "/v1/sessions/s/route-policy", { route_policy: { provider: "b" } });
    expect(await routeOf()).toBe("b");
    expect(await routeOf({ provider: "c" })).toBe("c");
    expect(await routeOf({ generation: { model: "c/echo" } })).toBe("c");
    await control.call("DELETE", "/v1/sessions/s/route-policy");
    expect(await routeOf()).toBe("a");
  });

  test("02-R34 is settled when it is submitted: what waits in the queue goes where it was sent", async () => {
    const control = await serve({ routes: FILE });
    const hold = { simulate: [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }] };
    const { body: first } = await control.submit("s", JSON.stringify(hold));
    await control.reaches(first.run_id, "waiting_for_approval");
    const { body: queued } = await control.submit("s", "hello");
    expect(queued).toMatchObject({ status: "queued", route: { route_id: "a", model: "script" } });
    await control.call("PUT", "/v1/sessions/s/route-policy", { route_policy: { provider: "b" } });
    await control.writeRoutes(FILE.replace('default_route = "a"', 'default_route = "c"'));
    expect((await control.reload()).body).toMatchObject({ default_route: { before: "a", after: "c" } });
    await control.call("POST", `/v1/runs/${first.run_id}/cancel`);
    expect(await control.reaches(queued.run_id, "completed")).toMatchObject({ route: { route_id: "a" } });
  });

  test("02-R36 a route that is not ready is refused with words, and no run is stored", async () => {
    const control = await serve({ routes: FILE });
    expect(await control.submit("s", "hello", { provider: "keyless" })).toMatchObject({
      status: 400,
      body: {
        domain: "routes",
        code: "route_not_ready",
        detail: expect.stringContaining("A_KEY_THAT_IS_NOT_SET"),
      },
    });
    expect((await control.call("GET", "/v1/runs")).body).toEqual([]);
  });

  test("02-R40 02-R36 a warning is no reason to refuse", async () => {
    const local =
      '[routes.local]\ndriver = "openai_compatible"\ndefault_model = "m"\nbase_url = "http://127.0.0.1:1/v1"\n';
    const control = await serve({ routes: local });
    const [route] = (await control.list()).routes;
    expect(route).toMatchObject({ state: "warning", code: "route_unauthenticated" });
    const { status, body } = await control.submit("s", "hello");
    expect(status).toBe(202);
    await control.call("POST", `/v1/runs/${body.run_id}/cancel`);
  });
});
