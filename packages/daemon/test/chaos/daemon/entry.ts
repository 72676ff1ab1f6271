import module from "node:module";

// As the product's own bin does.
module.enableCompileCache();
const { serve } = await import("../../../src/main.ts");
const { runCli } = await import("../../../src/surface/cli/run-cli.ts");
const { processContext } = await import("../../../src/surface/cli/process-context.ts");
const { chaosTools } = await import("./tools.ts");

// The product's own command line; only the tools that act on the tool server are added.
const { KHEISH_CHAOS_WORLD: url = "", KHEISH_CHAOS_INCARNATION: incarnation } = process.env;
const tools = chaosTools({ url, incarnation: Number(incarnation) });
const context = processContext();

process.exitCode = await runCli(process.argv.slice(2), {
  ...context,
  host: {
    ...context.host,
    loadDaemon: async () => ({ serve: (options, env) => serve(options, env, tools) }),
  },
});
