import { type HookDefinition, type HookExecutor, HookSettings } from "@kheish/contract";

export const REDACTED = "<redacted>";

/**
 * What a hook runs, asks or calls may hold secrets: only its name, matcher and kind are shown (02-R17). Hooks that this
 * version cannot read are not in force (03-R55), and nobody knows what in them would have to be left out.
 */
export function redactedHooks(stored: HookSettings): HookSettings {
  const parsed = HookSettings.safeParse(stored);
  if (!parsed.success) return { hooks: {} };
  const settings = parsed.data;
  const hooks = Object.entries(settings.hooks).map(([event, list]) => [event, list.map(redacted)]);
  return { ...settings, hooks: Object.fromEntries(hooks) as HookSettings["hooks"] };
}

function redacted(hook: HookDefinition): HookDefinition {
  return { ...hook, executor: redactedExecutor(hook.executor) };
}

function redactedExecutor(executor: HookExecutor): HookExecutor {
  switch (executor.type) {
    case "command":
      return { ...executor, command: REDACTED };
    case "http":
      return { ...executor, url: redactedUrl(executor.url) };
    case "prompt":
    case "agent":
      return {
        ...executor,
        template: REDACTED,
        ...(executor.system_prompt === undefined ? {} : { system_prompt: REDACTED }),
      };
    case "callback":
      return executor;
  }
}

function redactedUrl(text: string): string {
  return URL.canParse(text) ? `${new URL(text).origin}/${REDACTED}` : REDACTED;
}
