// A run that asks and waits for a yes. The daemon may be restarted while it waits: the run and this program go on.
import { createInterface } from "node:readline";
import { isTerminal, Kheish } from "@kheish/sdk";

/** The simulator's tour looks around, asks one question and wants to write a file. */
const [prompt = '{"simulate":"tour"}'] = process.argv.slice(2);
const terminal = createInterface({ input: process.stdin });
const lines = terminal[Symbol.asyncIterator]();
const kheish = Kheish.fromEnv();

async function ask(text: string): Promise<string> {
  process.stdout.write(text);
  return (await lines.next()).value ?? "";
}

const run = await kheish.responses.create({ session: "examples-human", prompt });
while (!isTerminal((await run.waitUntilBlocked()).status)) {
  if (run.requires_question) {
    for (const { question, options } of run.pending_questions.flatMap(({ questions }) => questions)) {
      console.log(question);
      for (const option of options) console.log(`  ${option.id}: ${option.label}`);
    }
    const chosen = await ask("your choice: ");
    const asked = run.pending_questions.flatMap(({ questions }) => questions.map(({ id }) => [id, [chosen]]));
    await run.answer(Object.fromEntries(asked));
  }
  if (run.requires_approval) {
    for (const { tool_name, input } of run.pending_approvals)
      console.log(`${tool_name} ${JSON.stringify(input)}`);
    if ((await ask("allow? (y/n) ")) === "y") await run.approveAll("seen by a human");
    else for (const { id } of run.pending_approvals) await run.deny(id, { reason: "not today" });
  }
}
terminal.close();

const { status, output_text } = await run.wait();
console.log(`${status}: ${output_text}`);
