import type { Json, JsonObject } from "@kheish/contract";
import { onTestFinished } from "vitest";
import type { ExternalAction, Tool } from "../../src/engine/index.ts";
import { type WebToolsOptions, webTools } from "../../src/tools/web/index.ts";
import { type BootOptions, createRig, type Rig, type RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { FakeWeb } from "./fake-web.ts";

/** A daemon whose agents have the web tools and a web of the test's own. */
export interface WebRig {
  web: FakeWeb;
  rig: Rig;
  daemon: RiggedDaemon;
  session: TestSession;
  /** What was recorded beside the calls themselves. */
  recorded: ExternalAction[];
  /** One run that calls `tool` once with each of these inputs; answers the results in this order. */
  calls(tool: string, inputs: readonly JsonObject[]): Promise<Result[]>;
}

export interface Result {
  output: JsonObject;
  is_error: boolean;
}

type Options = Partial<Omit<WebToolsOptions, "network">>;

export async function webRig(
  options: Options = {},
  boot: BootOptions = {},
  more: Tool[] = [],
): Promise<WebRig> {
  const web = await FakeWeb.start();
  const recorded: ExternalAction[] = [];
  const tools = webTools({
    network: web.network,
    record: async (action) => void recorded.push(action),
    userAgent: "kheish/test",
    localSearch: "none",
    ...options,
  });
  const rig = await createRig(() => [...tools, ...more]);
  onTestFinished(() => rig.cleanup());
  const daemon = await rig.boot(boot);
  const session = await TestSession.create(daemon);
  return {
    web,
    rig,
    daemon,
    session,
    recorded,
    async calls(name, inputs) {
      const tool_calls = inputs.map((input, index) => ({ id: `call-${index}`, name, input }));
      const run = await session.play([{ tool_calls }, { text: "done" }]);
      await session.reaches(run.run_id, "completed");
      const finished = (await session.events("tool_call_finished")).filter(
        ({ run_id }) => run_id === run.run_id,
      );
      return inputs.map((_input, index) => {
        const found = finished.find(({ call_id }) => call_id === `call-${index}`);
        if (found === undefined) throw new Error(`call-${index} has no result`);
        return { output: found.result.output as Json as JsonObject, is_error: found.result.is_error };
      });
    },
  };
}
