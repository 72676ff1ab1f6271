import { estimateMessage } from "../context/estimate.ts";
import type { RecordedEvent } from "../events.ts";
import type { UserMessage } from "../messages.ts";
import type { SessionState } from "../state.ts";
import { endedText, skillText } from "./text.ts";

type SkillEvent = Extract<RecordedEvent, { type: "skill_activated" | "skill_deactivated" }>;

/**
 * What is active, and what the model is told of it, once: with the result of the call that made it so, or as a message
 * of its own where an operator did. What the prompt has of the conversation before stays as it is.
 */
export function foldSkills(state: SessionState, event: SkillEvent): void {
  const { seq, data } = event;
  const name = event.type === "skill_activated" ? event.data.skill.name : event.data.name;
  state.skills = state.skills.filter(({ skill }) => skill.name !== name);
  if (event.type === "skill_activated") state.skills.push({ seq, skill: event.data.skill });
  const text = event.type === "skill_activated" ? skillText(event.data.skill) : endedText(name);
  if (data.call_id !== undefined) {
    if (event.type === "skill_deactivated") return;
    state.hook_contexts[data.call_id] = [...(state.hook_contexts[data.call_id] ?? []), text];
    return;
  }
  const message: UserMessage = {
    role: "user",
    id: `skill-${seq}`,
    synthetic: true,
    parts: [{ type: "text", text }],
  };
  state.entries.push({ seq, atMs: event.atMs, message, tokens: estimateMessage(message) });
}
