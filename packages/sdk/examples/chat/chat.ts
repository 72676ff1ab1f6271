// A chat in a web page. Start a daemon, then: npx vite packages/sdk/examples/chat
// The page talks to the daemon itself; `?daemon=http://127.0.0.1:4000` says where it is.
import { type ApprovalRequest, isTerminal, Kheish, type Run } from "@kheish/sdk";

const where = new URLSearchParams(location.search);
const kheish = new Kheish({ baseUrl: where.get("daemon") ?? "http://127.0.0.1:4000" });
const session = where.get("session") ?? "web-chat";
const log = document.querySelector("#log") as HTMLElement;
const form = document.querySelector("#ask") as HTMLFormElement;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const prompt = String(new FormData(form).get("prompt"));
  form.reset();
  say("you", prompt);
  try {
    await show(await kheish.responses.create({ session, prompt }));
  } catch (error) {
    say("note", String(error));
  }
});

/** The answer while it is written, and what the run waits for. A daemon that restarts meanwhile is waited for. */
async function show(run: Run): Promise<void> {
  let answer: HTMLElement | undefined;
  let turn = -1;
  const asked = new Set<string>();
  for await (const { data } of run.stream()) {
    if (data.type === "output_delta" && data.part === "text") {
      if (data.turn !== turn || answer === undefined) answer = say("agent", "");
      turn = data.turn;
      answer.textContent += data.text;
    }
    // Deltas are never repeated: whoever was away meanwhile has a part of them, and this is the whole.
    if (data.type === "output") {
      answer ??= say("agent", "");
      answer.textContent = data.output.content;
    }
    if (data.type !== "run_updated") continue;
    for (const request of data.run.pending_approvals ?? []) {
      if (!asked.has(request.id)) ask(run, request);
      asked.add(request.id);
    }
    if (isTerminal(data.run.status) && data.run.status !== "completed")
      say("note", `${data.run.status}: ${data.run.error ?? ""}`);
  }
}

function ask(run: Run, { id, tool_name, input }: ApprovalRequest): void {
  const card = say("note", `${tool_name} ${JSON.stringify(input)} `);
  const button = (label: string, decide: () => Promise<unknown>) => {
    const element = document.createElement("button");
    element.textContent = label;
    element.addEventListener("click", async () => {
      await decide().catch((error) => say("note", String(error)));
      for (const other of card.querySelectorAll("button")) other.remove();
    });
    card.append(element);
  };
  button("Allow", () => run.approve(id));
  button("Deny", () => run.deny(id));
}

function say(who: "you" | "agent" | "note", text: string): HTMLElement {
  const line = document.createElement("li");
  line.className = who;
  line.textContent = text;
  log.append(line);
  return line;
}
