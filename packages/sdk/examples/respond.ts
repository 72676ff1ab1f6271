// One response. Start a daemon (`npx kheish serve`), then: node respond.ts "What is in this workspace?"
import { Kheish } from "@kheish/sdk";

const [prompt = "Say hello."] = process.argv.slice(2);
const kheish = Kheish.fromEnv();

const run = await kheish.responses.create({ session: "examples", prompt });
const result = await run.wait({ raiseOnFailure: true, timeoutMs: 60_000 });

console.log(result.output_text);
