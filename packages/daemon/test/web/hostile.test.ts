import type { JsonObject } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { PUBLIC, redirect, text } from "./fake-web.ts";
import { ANSWERS, BODIES, FORMS, REDIRECTS } from "./hostile.ts";
import { type Result, webRig } from "./web-run.ts";

/** As many as one turn of a model would make. */
const BATCH = 40;

const urls = (list: readonly string[]) => list.map((url): JsonObject => ({ url }));
const classesOf = (results: readonly Result[]) =>
  results.map(({ output, is_error }) =>
    is_error ? output.failure_class : `not refused: ${JSON.stringify(output)}`,
  );

async function inBatches<T, R>(
  items: readonly T[],
  run: (items: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += BATCH) results.push(...(await run(items.slice(at, at + BATCH))));
  return results;
}

describe("03-R17 03-A1 hostile URLs, each in a call of a run", () => {
  it("are many", () => {
    const all = [...FORMS, ...ANSWERS, ...REDIRECTS, ...BODIES];
    expect(all.length).toBeGreaterThanOrEqual(250);
    expect(new Set(FORMS.map(([, url]) => url)).size).toBe(FORMS.length);
  });

  it("are refused as they stand: nothing is resolved, nothing leaves", async () => {
    const { web, calls } = await webRig();
    const results = await inBatches(FORMS, (forms) => calls("web_fetch", urls(forms.map(([, url]) => url))));
    const expected = FORMS.map(([failureClass, url]) => [url, failureClass]);
    const refused = classesOf(results);
    expect(FORMS.map(([, url], index) => [url, refused[index]])).toEqual(expected);
    expect({ resolved: web.resolved, dialled: web.dialled }).toEqual({ resolved: [], dialled: [] });
    expect(JSON.stringify(results)).not.toMatch(/secret/);
  });

  it("are refused by what their names resolve to: nothing is connected to", async () => {
    const { web, calls } = await webRig();
    for (const [name, addresses] of ANSWERS) web.names.set(name, [addresses]);
    const results = await inBatches(ANSWERS, (answers) =>
      calls("web_fetch", urls(answers.map(([name]) => `http://${name}/`))),
    );
    const refused = classesOf(results);
    expect(ANSWERS.map(([name], index) => [name, refused[index]])).toEqual(
      ANSWERS.map(([name]) => [name, "blocked_private_network"]),
    );
    expect(web.dialled).toEqual([]);
  });

  it("are refused where a redirect leads", async () => {
    const { web, calls } = await webRig();
    for (const [name, addresses] of ANSWERS) web.names.set(name, [addresses]);
    for (const [index, [, location]] of REDIRECTS.entries())
      web.page(`public.example/${index}`, redirect(location, [301, 302, 303, 307, 308][index % 5]));
    const starts = REDIRECTS.map((_redirect, index) => `http://public.example/${index}`);
    const refused = classesOf(await calls("web_fetch", urls(starts)));
    expect(REDIRECTS.map(([, location], index) => [location, refused[index]])).toEqual(
      REDIRECTS.map(([failureClass, location]) => [location, failureClass]),
    );
    // The redirecting pages, and nothing else.
    expect(new Set(web.requests)).toEqual(
      new Set(starts.map((url) => url.replace("http://public.example", "public.example "))),
    );
  });

  it("are refused for what answers", async () => {
    const { web, calls } = await webRig();
    for (const [index, [, , handler]] of BODIES.entries()) web.page(`host-${index}.example/`, handler);
    const starts = BODIES.map((_body, index) => `http://host-${index}.example/`);
    const refused = classesOf(await calls("web_fetch", urls(starts)));
    expect(BODIES.map(([, what], index) => [what, refused[index]])).toEqual(
      BODIES.map(([failureClass, what]) => [what, failureClass]),
    );
  });

  it("rebind in vain: a name is resolved once, and the connection goes to what was checked", async () => {
    const { web, calls } = await webRig();
    web.page("rebinding.example/", text("public"));
    web.names.set("rebinding.example", [[PUBLIC], ["127.0.0.1"]]);
    const [first] = await calls("web_fetch", [{ url: "http://rebinding.example/" }]);
    expect(first).toMatchObject({ is_error: false, output: { body: "public" } });
    expect(web).toMatchObject({ resolved: ["rebinding.example"], dialled: [[PUBLIC]] });
    const [second] = await calls("web_fetch", [{ url: "http://rebinding.example/" }]);
    expect(second?.output.failure_class).toBe("blocked_private_network");
    expect(web.dialled).toEqual([[PUBLIC]]);
  });

  it("rebind in vain between a redirect and its target, too", async () => {
    const { web, calls } = await webRig();
    web.page("rebinding.example/", redirect("/inside"));
    web.page("rebinding.example/inside", text("never shown"));
    web.names.set("rebinding.example", [[PUBLIC], ["169.254.169.254"]]);
    const [result] = await calls("web_fetch", [{ url: "http://rebinding.example/" }]);
    expect(result?.output.failure_class).toBe("blocked_private_network");
    expect(web.requests).toEqual(["rebinding.example /"]);
  });
});
