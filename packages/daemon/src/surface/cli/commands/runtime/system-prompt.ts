import type { SystemPromptSettings } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { addChangeFlags, type ChangeFlags, changeOf } from "../../flags/change.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { runtimeDetail } from "../../views/runtime.ts";

const MODES = ["default", "custom", "append", "override"] as const;
type Mode = (typeof MODES)[number];

interface Flags extends ChangeFlags {
  mode?: Mode;
  contentFile?: string;
  stdin?: boolean;
  language?: string;
  outputStyle?: string;
  clearText?: boolean;
  clearLanguage?: boolean;
  clearOutputStyle?: boolean;
  reset?: boolean;
}

/** Changes what is named and leaves the rest; the daemon replaces the whole, so the revision read is the one expected. */
export function defineSystemPrompt(runtime: Command, cli: Cli): void {
  const command = runtime
    .command("set-system-prompt [content]")
    .description("Change what every model is told before the conversation")
    .addOption(
      new Option("--mode <mode>", "what the content is; custom unless said otherwise").choices(MODES),
    )
    .option("--content-file <path>", "the content, from a file")
    .option("--stdin", "the content, from standard input")
    .option("--language <language>", "what answers are written in")
    .option("--output-style <style>", "how answers are written")
    .option("--clear-text", "back to the built-in prompt")
    .option("--clear-language", "no language")
    .option("--clear-output-style", "no style")
    .option("--reset", "all of it back to the defaults");
  addChangeFlags(command).action(async (content: string | undefined, flags: Flags) => {
    const text = await contentOf(content, flags, cli);
    checkFlags(text, flags);
    const client = await cli.client();
    const { system_prompt, config } = await client.call("getRuntime");
    const settings = changed(system_prompt, text, flags);
    const body = { settings, expected_revision: config.revision, ...changeOf(flags) };
    cli.output.print(await client.call("setSystemPrompt", { body }), runtimeDetail);
  });
}

async function contentOf(
  content: string | undefined,
  { contentFile, stdin }: Flags,
  { context }: Cli,
): Promise<string | undefined> {
  if ([content !== undefined, contentFile !== undefined, stdin].filter(Boolean).length > 1) {
    throw new UsageError("give the content once: as an argument, with --content-file or with --stdin");
  }
  if (contentFile !== undefined) return withoutLastNewline(await readTextFile(contentFile, context));
  return stdin ? withoutLastNewline(await context.terminal.readInput()) : content;
}

/** Editors end files with one. */
function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function checkFlags(text: string | undefined, flags: Flags): void {
  const { mode, language, outputStyle, clearText, clearLanguage, clearOutputStyle, reset } = flags;
  const clears = clearText || mode === "default";
  const others = [text, mode, language, outputStyle, clearText, clearLanguage, clearOutputStyle];
  if (reset && others.some((given) => given !== undefined))
    throw new UsageError("--reset stands alone: it clears everything");
  if (!reset && others.every((given) => given === undefined))
    throw new UsageError("say what to change: content, --language, --output-style, or what to clear");
  if (clears && text !== undefined)
    throw new UsageError("--clear-text and --mode default take no content: they remove it");
  if (mode !== undefined && mode !== "default" && text === undefined)
    throw new UsageError(`--mode ${mode} needs content`);
  if (language !== undefined && clearLanguage) throw new UsageError("set the language or clear it, not both");
  if (outputStyle !== undefined && clearOutputStyle)
    throw new UsageError("set the output style or clear it, not both");
}

/** A custom or appended text takes an override out of the way, which would hide it. */
function changed(now: SystemPromptSettings, text: string | undefined, flags: Flags): SystemPromptSettings {
  if (flags.reset) return {};
  const { mode = text === undefined ? undefined : "custom" } = flags;
  const {
    override_prompt: override,
    custom_prompt: custom,
    append_prompt: append,
    language,
    output_style,
  } = now;
  const cleared = flags.clearText || mode === "default";
  const texts = cleared
    ? {}
    : {
        override_prompt: mode === "override" ? text : mode === undefined ? override : undefined,
        custom_prompt: mode === "custom" ? text : custom,
        append_prompt: mode === "append" ? text : append,
      };
  const settings = {
    ...texts,
    language: flags.clearLanguage ? undefined : (flags.language ?? language),
    output_style: flags.clearOutputStyle ? undefined : (flags.outputStyle ?? output_style),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
