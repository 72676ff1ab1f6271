import { type Endpoint, endpoints, resourcesOf, verbOf } from "@kheish/contract";
import { describe, expect, test } from "vitest";

/** The read-only allowlist as specification 02 has it, `*` for one segment; everything else is for admins. */
const READ_ONLY = [
  ..."status capabilities openapi.json runtime".split(" "),
  // 08: the documentation is no secret.
  ..."docs docs/*".split(" "),
  // 02-A4: outside of /v1, and for whoever may read.
  "metrics",
  ..."learning-policy run-memory-policy tool-limits connectors connectors/*/* subagent-policy/quotas deliveries/metrics"
    .split(" ")
    .map((path) => `runtime/${path}`),
  "events/stream",
  "sessions",
  "sessions/*",
  ...(
    "goal events stream questions memory-context memory-search permission-audits skills operator tool-overrides " +
    "output-contract input-contract reply-targets tasks tasks/* tasks/*/output"
  )
    .split(" ")
    .map((path) => `sessions/*/${path}`),
  ..."runs runs/* runs/*/events runs/*/stream runs/*/external-actions questions".split(" "),
  "agents agents/audit agents/summaries agents/* agents/*/audit agents/*/mailbox agents/*/mailbox/dead-letter",
  "assets assets/* assets/*/references observations observations/* observation-sources observation-sources/*",
  "observation-audit observation-transcripts observation-transcripts/* observation-transcripts/*/segments",
  "capture-agents capture-agents/* capture-alerts capture-alerts/* skills skills/* boards boards/* boards/*/revisions",
  "channels channels/* channels/*/members channels/*/messages channels/*/stimuli channels/*/thread-work channels/*/leases",
  "projects projects/* projects/*/members projects/*/channels projects/*/tasks playbooks playbooks/*",
  "flows flows/* flows/*/stream schedules schedules/* deliveries deliveries/* deliveries/dead-letter",
  "derivations derivations/* learning-candidates learning-candidates/* learnings learnings/*",
  "learning-skills learning-skills/* personas personas/*",
].flatMap((line) => line.split(" "));

const ALL = Object.entries(endpoints as Record<string, Endpoint>);
const READS = ALL.filter(([, { method, access }]) => method === "GET" && !["none", "known"].includes(access));
const shapeOf = ({ path }: Endpoint) => path.replace(/^\/(?:v1\/)?/, "").replaceAll(/\{\*?\w+\}/g, "*");

describe("02 read-only allowlist", () => {
  test("02-A7 any token may ask whose it is and sign its browser in and out, and nothing else is so open", () => {
    const open = ALL.filter(([, { access }]) => access === "known").map(([id]) => id);
    expect(open).toEqual(["whoami", "createBrowserSession", "endBrowserSession"]);
  });

  test.each(READS)("%s is a read for the read-only token exactly if the list has it", (_id, endpoint) => {
    expect(endpoint.access).toBe(READ_ONLY.includes(shapeOf(endpoint)) ? "read" : "admin");
  });

  test.each(ALL.filter(([, { method, access }]) => method !== "GET" && access !== "known"))(
    "%s changes something: admin",
    (_id, endpoint) => {
      expect(endpoint.access).toBe("admin");
    },
  );

  test("02-R91 without a control-plane token go only probes and what has credentials of its own", () => {
    const open = ALL.filter(([, { access }]) => access === "none").map(([, { path }]) => path);
    const own = /^\/v1\/(connectors\/external|ingress|observations?|capture)/;
    expect(open.filter((path) => !own.test(path)).toSorted()).toEqual(["/healthz", "/readyz"]);
  });
});

describe("02-A7 verbs and resources of the table", () => {
  test.each(ALL.filter(([, { access }]) => access !== "none"))("%s has both", (_id, endpoint) => {
    const params = Object.fromEntries(
      [...endpoint.path.matchAll(/\{\*?(\w+)\}/g)].map(([, name]) => [name, "x/y"]),
    );
    const [own = ""] = resourcesOf(endpoint, { params, query: {}, body: {} });
    expect(own).toBe(shapeOf(endpoint).replaceAll("*", endpoint.path.includes("{*") ? "x/y" : "x%2Fy"));
    if (endpoint.access === "read") expect(verbOf(endpoint)).toBe("read");
    else if (endpoint.access !== "known") expect(["write", "admin"]).toContain(verbOf(endpoint));
  });

  test("a change of the daemon is never mere work", () => {
    for (const [, endpoint] of ALL)
      if (endpoint.path.startsWith("/v1/runtime/") && endpoint.method !== "GET")
        expect(verbOf(endpoint)).toBe("admin");
  });
});
