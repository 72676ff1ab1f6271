import { describe, expect, test } from "vitest";
import type { ModelRequest } from "../../src/engine/index.ts";
import { NO_SKILLS } from "../../src/features/skills/index.ts";
import { SkillLibrary, skillTools } from "../../src/tools/skills/index.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig, RiggedDaemon } from "../support/rig.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { testTool } from "../support/tools.ts";

const createRig = useRigs();
const MARK = "Look at every changed line.";

interface World {
  rig: Rig;
  boot: (model: ScriptedModel) => Promise<Booted>;
}

class Booted {
  readonly daemon: RiggedDaemon;
  readonly model: ScriptedModel;

  constructor(daemon: RiggedDaemon, model: ScriptedModel) {
    this.daemon = daemon;
    this.model = model;
  }

  add(name: string, more: object = {}) {
    const body = { name, description: `Does ${name}`, instructions: MARK, files: [], ...more };
    return this.daemon.call("addSkill", { body });
  }

  session(more: object = {}) {
    return this.daemon.call("createSession", { body: { session_id: "s", ...more } });
  }

  async run(content = "do it"): Promise<void> {
    const body = { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [] };
    await this.daemon.call("submitRun", { params: { session_id: "s" }, body });
    await this.daemon.settle();
  }

  activate(name: string, body: object = {}) {
    return this.daemon.call("activateSkill", { params: { session_id: "s", skill_name: name }, body });
  }

  deactivate(name: string) {
    return this.daemon.call("deactivateSkill", { params: { session_id: "s", skill_name: name } });
  }

  scope(capability_scope: object) {
    const call = { params: { session_id: "s" }, body: { capability_scope } };
    return this.daemon.call("putCapabilityScope", call);
  }
}

async function world(): Promise<World> {
  const library = new SkillLibrary();
  const rig = await createRig([...skillTools(library), testTool("work")]);
  return {
    rig,
    boot: async (model) => {
      const skills = { library, load: async () => NO_SKILLS };
      return new Booted(await rig.boot({ models: model, skills }), model);
    },
  };
}

const USE = calls([{ name: "use_skill", input: { name: "review" }, id: "use" }]);
const text = (part: unknown) => JSON.stringify(part);
const times = (whole: string, part: string) => whole.split(part).length - 1;

/** What a provider has cached of the first request is the beginning of the second. */
function expectPrefix(first: ModelRequest | undefined, second: ModelRequest | undefined): void {
  expect(second?.system).toBe(first?.system);
  expect(second?.messages.slice(0, first?.messages.length)).toEqual(first?.messages);
}

describe("03-R77 the catalogue in the prompt", () => {
  test("03-R77, R75: is there as far as the scope shows it, and only where a skill can be used", async () => {
    const { boot } = await world();
    const booted = await boot(new ScriptedModel(() => says("done")));
    await booted.session();
    await booted.run();
    await booted.add("review");
    await booted.add("other");
    await booted.run();
    await booted.scope({ skill_deny: ["other"] });
    await booted.run();
    await booted.scope({ tool_deny: ["use_skill"] });
    await booted.run();
    const lines = booted.model.requests.map(({ system }) => [
      system.includes("- review: Does review"),
      system.includes("- other: Does other"),
    ]);
    expect(lines).toEqual([
      [false, false],
      [true, true],
      [true, false],
      [false, false],
    ]);
    expect(booted.model.requests[3]?.system).toBe(booted.model.requests[0]?.system);
  });
});

describe("03-R72 what the model is told", () => {
  test("03-R72: instructions come with the result of use_skill, once, and what was said before stays as it was", async () => {
    const { boot } = await world();
    const booted = await boot(
      ScriptedModel.of([USE, calls([{ name: "work" }]), says("done"), says("again")]),
    );
    await booted.add("review");
    await booted.session();
    await booted.run();
    await booted.run();
    const { requests } = booted.model;
    for (const at of [1, 2, 3]) expectPrefix(requests[at - 1], requests[at]);
    expect(times(text(requests[3]?.messages), MARK)).toBe(1);
    const result = requests[1]?.messages.at(-1);
    expect(result).toMatchObject({
      role: "tool",
      results: [
        {
          tool_name: "use_skill",
          is_error: false,
          output: {
            action: "activate",
            mode: "inline",
            name: "review",
            active_skill: { activated_by: "agent" },
          },
          hook_contexts: [expect.stringContaining(MARK)],
        },
      ],
    });
    const events = await booted.daemon.call("sessionEvents", { params: { session_id: "s" } });
    expect(times(text(events.json), MARK), "the journal has it once").toBe(1);
  });

  test("03-R72: of an operator's skill it hears in a message of its own, behind what was said before", async () => {
    const { boot } = await world();
    const booted = await boot(new ScriptedModel(() => says("done")));
    await booted.add("review");
    await booted.session();
    await booted.run();
    await booted.activate("review", { args: "the parser" });
    await booted.run();
    await booted.deactivate("review");
    await booted.run();
    const { requests } = booted.model;
    for (const at of [1, 2]) expectPrefix(requests[at - 1], requests[at]);
    expect(requests[1]?.messages.at(-2)).toMatchObject({ role: "user", synthetic: true });
    expect(text(requests[1]?.messages.at(-2))).toContain(MARK);
    expect(text(requests[1]?.messages.at(-2))).toContain("the parser");
    expect(text(requests[2]?.messages.at(-2))).toContain("no longer active");
  });

  test("end_skill ends what the agent began, and the tools are there again in its next turn", async () => {
    const { boot } = await world();
    const END = calls([{ name: "end_skill", input: { name: "review" } }]);
    const booted = await boot(ScriptedModel.of([USE, END, says("done")]));
    await booted.add("review", { blocked_tools: ["work"] });
    await booted.session();
    await booted.run();
    const has = booted.model.requests.map(({ tools }) => tools.some(({ name }) => name === "work"));
    expect(has).toEqual([true, false, true]);
    expect(text(booted.model.requests[2]?.messages.at(-1))).toContain('"action":"deactivate"');
  });
});

describe("01-R81 a skill whose instructions were cut from the prompt", () => {
  const turns = Array.from({ length: 12 }, (_, n) => calls([{ name: "work", id: `w${n}` }]));
  const SCRIPT = [
    USE,
    ...turns,
    fails("context_window_exceeded"),
    says("done"),
    says("more"),
    says("end"),
    says("x"),
  ];

  test.each([false, true])(
    "is in the notice that stands for what is gone, restarted: %s",
    async (restarts) => {
      const { boot } = await world();
      let booted = await boot(ScriptedModel.of(SCRIPT));
      await booted.add("review", { blocked_tools: ["bash"] });
      await booted.session();
      await booted.run();
      if (restarts) {
        await booted.daemon.stop();
        await booted.daemon.store.close();
        booted = await boot(booted.model);
      }
      const notice = () => text(booted.model.requests.at(-1)?.messages[0]);
      await booted.run();
      expect(notice()).toContain("no longer shown");
      expect(times(text(booted.model.requests.at(-1)?.messages), MARK)).toBe(1);
      expect(notice()).toContain(MARK);

      await booted.scope({ skill_deny: ["review"] });
      await booted.run();
      expect(notice(), "03-R75: a scope hides it there too").not.toContain(MARK);
      await booted.scope({ skill_allow: ["*"] });
      await booted.deactivate("review");
      await booted.run();
      expect(notice()).not.toContain(MARK);
    },
  );
});
