import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { BODIES, endpointsBelow, paramsOf } from "./support/bodies.ts";
import { problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { say, script } from "./support/script.ts";

export function badTargets(fixture: Fixture): void {
  const { api } = fixture;

  describe("the path", () => {
    test.each([
      ["an unknown one", "GET", "/v1/nothing", 404, "route_not_found"],
      ["one below a known one", "GET", "/v1/sessions/s/nothing", 404, "route_not_found"],
      ["one without version", "POST", "/sessions", 404, "route_not_found"],
      ["an empty id", "GET", "/v1/sessions/", 400, "request_path_invalid"],
      ["an id that is no UTF-8", "GET", "/v1/sessions/%ff", 400, "request_path_invalid"],
      ["an id with half an escape", "GET", "/v1/sessions/%4", 400, "request_path_invalid"],
      ["another method", "PATCH", "/v1/sessions/s", 405, "method_not_allowed"],
      ["a method that changes, where one reads", "DELETE", "/v1/runs", 405, "method_not_allowed"],
    ] as const)("%s", async (_what, method, path, status, code) => {
      const reply = await api.send(method, path);
      expect(problemIn(reply, path)).toMatchObject({ status, domain: "api", code });
      if (status === 405) expect(reply.headers.get("allow")).toContain("GET");
    });

    test.each(["..", "."])(
      "'%s', percent-encoded, is an id like any other, which nobody has",
      async (dots) => {
        // fetch would resolve the segment; a client that writes its own request line does not.
        const { port } = new URL(fixture.daemon.baseUrl);
        const socket = connect(Number(port), "127.0.0.1");
        const path = `/v1/sessions/${dots.replaceAll(".", "%2E")}`;
        socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
        let answer = "";
        for await (const chunk of socket) answer += chunk;
        expect(answer).toMatch(/^HTTP\/1.1 404 /);
        expect(answer).toContain('"code":"session_not_found"');
      },
    );
  });

  describe("what is not there", () => {
    test.each(endpointsBelow("{session_id}"))("%s of no session: 404", async (endpoint) => {
      const params = paramsOf(endpoint, { session_id: "nobody/é" });
      const refused = await api.refusal(endpoint, { params, body: BODIES[endpoint] });
      expect(refused).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
    });

    test.each(endpointsBelow("{run_id}"))("%s of no run: 404", async (endpoint) => {
      for (const run_id of ["run-999999", "run-", "RUN-1", "1", "../1", "run-1/x"]) {
        const params = paramsOf(endpoint, { run_id });
        const refused = await api.refusal(endpoint, { params, body: BODIES[endpoint] });
        expect(refused).toMatchObject({ status: 404, domain: "runs", code: "run_not_found" });
      }
    });
  });

  describe("the query", () => {
    test("a parameter given twice is refused, an unknown one does not matter", async () => {
      const twice = problemIn(await api.send("GET", "/v1/runs?limit=1&limit=2"), "listRuns");
      expect(twice).toMatchObject({ status: 400, domain: "api", code: "request_query_invalid" });
      expect(await api.call("listRuns", { query: { colour: "red" } })).toBeInstanceOf(Array);
    });

    test.each([
      ["after_offset", "-1"],
      ["after_offset", "x"],
      ["limit", "0"],
      ["limit", "x"],
    ])("sessionEvents with %s=%s is refused", async (name, value) => {
      const session_id = await fixture.session();
      const refused = await api.refusal("sessionEvents", {
        params: { session_id },
        query: { [name]: value },
      });
      expect(refused).toMatchObject({ status: 400, domain: "pagination" });
    });

    test("an offset beyond the end is the end", async () => {
      const session_id = await fixture.session();
      await fixture.finish(session_id, script(say("x")));
      const log = await api.call("sessionEvents", {
        params: { session_id },
        query: { after_offset: "999999" },
      });
      expect(log.session.journal).toEqual([]);
      expect(log).not.toHaveProperty("next_offset");
    });
  });
}
