import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { follow } from "../support/follow.ts";
import { submit } from "../support/operator.ts";
import { ServedDaemon } from "../support/served.ts";

const page = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../docs/operations/${name}`, import.meta.url)), "utf8");

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string };
}
const { groups } = parse(page("kheish-alerts.yml")) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

let daemon: ServedDaemon;
/** Names of metrics, each with its series. */
let scraped: Map<string, string[]>;
beforeAll(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite", permissionMode: "bypassPermissions" });
  await fetch(`${daemon.baseUrl}/metrics`);
  const run = await submit(daemon, "s", [
    { tool_calls: [{ name: "bash", input: { command: "true" } }] },
    { text: "done" },
  ]);
  await follow(`${daemon.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
  const text = await (await fetch(`${daemon.baseUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "");
  const declared = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  scraped = new Map(
    declared.map((name) => [
      name,
      lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)),
    ]),
  );
});
afterAll(() => daemon.remove());

describe("docs/operations/kheish-alerts.yml", () => {
  test("is a file of Prometheus rules, each with a severity and words for whoever it wakes", () => {
    for (const rule of rules) {
      expect(rule.alert).toMatch(/^Kheish[A-Za-z]+$/);
      expect(["warn", "page"]).toContain(rule.labels.severity);
      expect(rule.annotations.summary.length).toBeGreaterThan(10);
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test("02 runbook 6: asks for nothing but what a daemon shows, labels and values included", () => {
    for (const { alert, expr } of rules) {
      const asked = [...expr.matchAll(/\b(kheish_\w+)(?:\{([^}]*)\})?/g)];
      if (alert !== "KheishDown") expect(asked.length, alert).toBe(1);
      for (const [, name = "", matchers = ""] of asked) {
        const series = scraped.get(name) ?? [];
        expect(series.length, `${alert}: ${name}`).toBeGreaterThan(0);
        for (const [, label, value] of matchers.matchAll(/(\w+)=(?!~)"([^"]*)"/g)) {
          // Nothing has failed in this daemon; that a failure would be seen under this value the code says.
          if (value === "failed") continue;
          expect(series.join("\n"), `${alert}: ${label}`).toContain(`${label}="${value}"`);
        }
      }
    }
  });

  test("says what docs/operations/slo.md says, and nothing else", () => {
    const named = [...page("slo.md").matchAll(/`(Kheish\w+)`/g)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(rules.map(({ alert }) => alert)));
  });
});

test("docs/operations/metrics.md names every metric of ours, and none that is not there", () => {
  const documented = new Set([...page("metrics.md").matchAll(/`(kheish_\w+)`/g)].map(([, name]) => name));
  expect(documented).toEqual(new Set([...scraped.keys()].filter((name) => name.startsWith("kheish_"))));
});
