export interface Provider {
  id: string;
  name: string;
  hint: string;
  /** Suggested; anything that the provider serves will do. */
  model: string;
  /** What its keys look like; absent: it takes none. */
  key?: string;
  /** Where it is, for one that may be anywhere. */
  baseUrl?: string;
}

/** 08, First-run wizard; beside the four of it what else the daemon can drive. */
export const PROVIDERS: readonly Provider[] = [
  { id: "openai", name: "OpenAI", hint: "GPT", model: "gpt-5.5", key: "sk-…" },
  { id: "anthropic", name: "Anthropic", hint: "Claude", model: "claude-opus-4-8", key: "sk-ant-…" },
  { id: "google", name: "Google", hint: "Gemini", model: "gemini-2.5-pro", key: "AIza…" },
  { id: "openrouter", name: "OpenRouter", hint: "Many models", model: "openai/gpt-5.5", key: "sk-or-…" },
  { id: "xai", name: "xAI", hint: "Grok", model: "grok-4-fast-reasoning", key: "xai-…" },
  {
    id: "openai_compatible",
    name: "OpenAI-compatible",
    hint: "Ollama, vLLM, …",
    model: "",
    key: "leave empty where none is asked",
    baseUrl: "http://127.0.0.1:11434/v1",
  },
  { id: "simulator", name: "Simulator", hint: "No key, offline", model: "script" },
];

/** A name for the route that nobody has. */
export function freeRouteId(wanted: string, taken: readonly string[]): string {
  const names = new Set(taken);
  for (let suffix = 2, name = wanted; ; name = `${wanted}-${suffix++}`) if (!names.has(name)) return name;
}
