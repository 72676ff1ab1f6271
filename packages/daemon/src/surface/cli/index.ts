import { runCli } from "./cli.ts";
import { processContext } from "./process-context.ts";

process.exitCode = await runCli(process.argv.slice(2), processContext());
