// `npm run pictures`: takes the pictures of the console that the documentation shows, from a daemon that works.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bash, script } from "../../sdk/test/support/daemon.ts";
import { buildConsole, Operator } from "./support/operator.ts";

const IMAGES = fileURLToPath(new URL("../../../docs/images", import.meta.url));

await mkdir(IMAGES, { recursive: true });
await buildConsole();
const at = await Operator.arrive();
try {
  await work(at);
  await inbox(at);
  await run(at);
  await dashboard(at);
  await welcome(at);
} finally {
  await at.leave();
}

async function take({ page }: Operator, name: string): Promise<void> {
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: "disabled" });
}

function use(name: string, input: object): object {
  return { tool_calls: [{ name, input }] };
}

/** What a team's agents may have been doing. */
async function work({ kheish, live }: Operator): Promise<void> {
  await mkdir(join(live.workspace, "src"));
  await writeFile(
    join(live.workspace, "src", "retry.ts"),
    "export const retry = {\n  attempts: 3,\n  waitMs: 1_000,\n};\n",
  );
  const say = (session: string, prompt: string) => kheish.responses.create({ session, prompt });
  for (const [session, prompt] of [
    ["release-notes", "Summarise what changed since the last release"],
    ["support", "Which tickets came in over night?"],
    ["invoices", "Sort the invoices of November"],
    ["release-notes", "Shorter, for the newsletter"],
    ["support", "Draft an answer to the first one"],
  ] as const)
    await (await say(session, prompt)).wait();
  const failing = script({ error: { status: 401, message: "the key was revoked", times: 0 } });
  await (await say("nightly", failing)).wait();
  const edit = {
    path: "src/retry.ts",
    old_text: "  attempts: 3,\n  waitMs: 1_000,\n",
    new_text: "  attempts: 5,\n  waitMs: 1_000,\n  backoff: 2,\n",
  };
  const command = "git push origin main && curl -fsS https://ci.example.com/deploy?ref=$REF > deploy.log";
  for (const [session, turn] of [
    ["fix-retries", use("edit_file", edit)],
    ["deploys", bash(command)],
  ] as const)
    await (await say(session, script(turn, { text: "done" }))).waitUntilBlocked();
}

async function inbox(operator: Operator): Promise<void> {
  const { page } = operator;
  await operator.goto("/inbox");
  const details = page.getByText("What rules see");
  await details.nth(1).waitFor();
  await details.nth(1).click();
  await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
  await take(operator, "console-inbox");
}

/** A run that a daemon's death interrupted. */
async function run(operator: Operator): Promise<void> {
  const { kheish, live, page } = operator;
  const turns = [
    use("glob_search", { pattern: "**/*.ts" }),
    use("read_file", { path: "src/retry.ts" }),
    bash("sleep 2; npm test"),
    bash("git diff --stat"),
  ];
  const slow = turns.map((turn) => ({ ...turn, delay_ms: 600 }));
  const { id } = await kheish.responses.create({
    session: "nightly",
    prompt: script(...slow, { delay_ms: 500, text: "The tests ran once; I looked before I repeated them." }),
  });
  const { runs } = kheish;
  const handle = await (await runs.get(id)).waitUntilBlocked();
  await handle.approveAll();
  await operator.goto(`/runs/${id}`);
  await page.getByRole("button", { name: /^bash/ }).waitFor();
  await live.daemon.kill();
  await live.daemon.restart();
  await (await handle.waitUntilBlocked()).approveAll();
  await handle.wait();
  await page.getByRole("heading", { name: /completed/ }).waitFor();
  await page.getByRole("button", { name: /^Restart/ }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate("scrollTo(0, 0)");
  await take(operator, "console-run");
  await page.emulateMedia({ colorScheme: "light" });
}

async function dashboard(operator: Operator): Promise<void> {
  await operator.goto("/");
  await operator.page.getByRole("table", { name: "Runs" }).waitFor({ state: "attached" });
  await take(operator, "console-dashboard");
}

async function welcome(operator: Operator): Promise<void> {
  await operator.goto("/welcome");
  await operator.page.getByRole("button", { name: "Anthropic" }).click();
  await operator.page.evaluate("document.activeElement.blur()");
  await take(operator, "console-welcome");
}
