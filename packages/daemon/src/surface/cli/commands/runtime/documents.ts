import type { JsonObject, RuntimeSettingsView } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { addChangeFlags, type ChangeFlags, changeOf } from "../../flags/change.ts";
import { addDocumentFlags, type DocumentFlags, readDocument } from "../../flags/document.ts";
import { plainFields } from "../../output/fields.ts";
import { runtimeDetail } from "../../views/runtime.ts";
import { defineDeadLetters } from "./dead-letters.ts";

interface Flags extends DocumentFlags, ChangeFlags {
  skipHooks?: boolean;
}

/** How one of the documents is named, read and sent. */
interface Document {
  name: string;
  what: string;
  /** The member of the request that holds it. */
  wrapper: "policy" | "limits" | "settings";
  /** What `--reset` sends. */
  empty: JsonObject;
  get: (client: DaemonClient) => Promise<object>;
  set: (client: DaemonClient, body: JsonObject) => Promise<RuntimeSettingsView>;
}

const DOCUMENTS: readonly Document[] = [
  {
    name: "hooks",
    what: "what is called at the daemon's events",
    wrapper: "settings",
    empty: { hooks: {} },
    get: (client) => client.call("getHooks"),
    set: (client, body) => client.call("setHooks", { body }),
  },
  {
    name: "learning-policy",
    what: "what is learned from runs",
    wrapper: "policy",
    empty: {},
    get: (client) => client.call("getLearningPolicy"),
    set: (client, body) => client.call("setLearningPolicy", { body }),
  },
  {
    name: "run-memory-policy",
    what: "how long runs are remembered",
    wrapper: "policy",
    empty: {},
    get: (client) => client.call("getRunMemoryPolicy"),
    set: (client, body) => client.call("setRunMemoryPolicy", { body }),
  },
  {
    name: "tool-limits",
    what: "what bounds tool calls",
    wrapper: "limits",
    empty: {},
    get: (client) => client.call("getToolLimits"),
    set: (client, body) => client.call("setToolLimits", { body }),
  },
];

/** The settings that are JSON documents; `get` prints what `set --file` takes. */
export function defineDocuments(runtime: Command, cli: Cli): void {
  for (const document of DOCUMENTS) defineDocument(runtime, cli, document);
}

function defineDocument(runtime: Command, cli: Cli, document: Document): void {
  const { name, what, wrapper, empty } = document;
  const noun = runtime.command(name).description(`Show or replace ${what}`);

  noun
    .command("get")
    .description(`Show ${what}`)
    .action(async () => cli.output.print(await document.get(await cli.client()), plainFields));

  const set = noun.command("set").description(`Replace ${what}; what is left out has its default`);
  if (name === "hooks") {
    set.option("--skip-hooks", "do not ask the config_change hooks");
    defineDeadLetters(noun, cli);
  }
  addChangeFlags(addDocumentFlags(set)).action(async (flags: Flags) => {
    const given = (await readDocument(flags, cli.context)) ?? empty;
    // A file may hold the request as well as the document.
    const body = {
      ...(wrapper in given ? given : { [wrapper]: given }),
      ...changeOf(flags),
      ...(flags.skipHooks ? { skip_hooks: true } : {}),
    };
    cli.output.print(await document.set(await cli.client(), body), runtimeDetail);
  });
}
