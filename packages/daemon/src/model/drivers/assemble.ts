import type {
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { Json, JsonObject } from "@kheish/contract";
import type { AssistantPart, FinishReason, Usage } from "../../engine/messages.ts";
import type { ModelDelta, WebSource } from "../../engine/ports.ts";

/** The stream ended before the provider said that it was done. */
export class CutStreamError extends Error {
  override readonly name = "CutStreamError";
}

export interface AssemblyOptions {
  onDelta?: ((delta: ModelDelta) => void) | undefined;
  onWarnings: (warnings: SharedV4Warning[]) => void;
  /** Ids of the run's earlier calls: some servers number the calls of each answer anew. */
  takenIds: ReadonlySet<string>;
  /** Makes a taken id unique. */
  idSuffix: string;
  /** The driver gives the provider's own word for the end; none means that there was no end. */
  namesItsEnd: boolean;
}

export interface Answer {
  parts: AssistantPart[];
  finish_reason: FinishReason;
  usage?: Usage;
  provider_response_id?: string;
  /** What a search of the provider found; absent where it found nothing. */
  sources?: WebSource[];
}

type WrittenPart = Extract<AssistantPart, { text: string }>;

/** Puts a stream together to one answer. Throws what the provider reported, or that the stream was cut off. */
export async function assemble(
  stream: AsyncIterable<LanguageModelV4StreamPart>,
  options: AssemblyOptions,
): Promise<Answer> {
  const assembly = new Assembly(options);
  for await (const part of stream) assembly.add(part);
  return assembly.answer();
}

class Assembly {
  readonly #options: AssemblyOptions;
  readonly #parts: AssistantPart[] = [];
  /** Text and reasoning still being written, by the stream's id. */
  readonly #open = new Map<string, WrittenPart>();
  readonly #ids: Set<string>;
  /** What the model wrote as each call's input, for SDKs that hide what they cannot parse. */
  readonly #rawInputs = new Map<string, string>();
  readonly #sources: WebSource[] = [];
  #responseId: string | undefined;
  #finish: { reason: LanguageModelV4FinishReason; usage: LanguageModelV4Usage } | undefined;

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#ids = new Set(options.takenIds);
  }

  add(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case "stream-start":
        this.#options.onWarnings(part.warnings);
        break;
      case "response-metadata":
        this.#responseId ??= part.id;
        break;
      case "text-start":
      case "reasoning-start":
        this.#start(part.type === "text-start" ? "text" : "reasoning", part.id);
        this.#note(part.id, part.providerMetadata);
        break;
      case "text-delta":
      case "reasoning-delta":
        this.#write(part.type === "text-delta" ? "text" : "reasoning", part.id, part.delta);
        this.#note(part.id, part.providerMetadata);
        break;
      case "text-end":
      case "reasoning-end":
        this.#note(part.id, part.providerMetadata);
        this.#open.delete(part.id);
        for (const { source, citedText } of (part.type === "text-end" && part.citations) || [])
          if (source.sourceType === "url") this.#found(source, citedText);
        break;
      case "tool-input-delta":
        this.#rawInputs.set(part.id, (this.#rawInputs.get(part.id) ?? "") + part.delta);
        break;
      case "tool-call":
        // One that the provider made itself is done already, and is nobody's here to perform.
        if (part.providerExecuted !== true) this.#call(part);
        break;
      case "source":
        if (part.sourceType === "url") this.#found(part);
        break;
      case "finish":
        this.#finish = { reason: part.finishReason, usage: part.usage };
        break;
      case "error":
        throw part.error;
    }
  }

  answer(): Answer {
    const { unified, raw } = this.#finish?.reason ?? { unified: "interrupted", raw: undefined };
    const isCut = unified === "interrupted" || (raw === undefined && this.#options.namesItsEnd);
    if (isCut) throw new CutStreamError("The provider's answer was cut off.");
    if (unified === "error") throw new CutStreamError("The provider broke its answer off with an error.");
    const parts = this.#parts.filter(
      (part) => part.type === "tool_call" || part.text !== "" || part.provider_metadata !== undefined,
    );
    const usage = usageOf(this.#finish?.usage);
    return {
      parts,
      finish_reason: finishReason(unified, parts),
      ...(usage === undefined ? {} : { usage }),
      ...(this.#responseId === undefined ? {} : { provider_response_id: this.#responseId }),
      ...(this.#sources.length === 0 ? {} : { sources: this.#sources }),
    };
  }

  /** Providers name a page once as found and again where they cite it, and not always with its title. */
  #found({ url, title }: { url: string; title?: string | undefined }, cited?: string): void {
    let source = this.#sources.find((one) => one.url === url);
    if (source === undefined) {
      source = { url };
      this.#sources.push(source);
    }
    if (title !== undefined && title !== "" && title !== url) source.title ??= title;
    if (cited !== undefined && source.cited?.includes(cited) !== true)
      source.cited = [...(source.cited ?? []), cited];
  }

  #start(type: WrittenPart["type"], id: string): WrittenPart {
    const part: WrittenPart = { type, text: "" };
    this.#parts.push(part);
    this.#open.set(id, part);
    return part;
  }

  #write(type: WrittenPart["type"], id: string, delta: string): void {
    const part = this.#open.get(id) ?? this.#start(type, id);
    if (delta === "") return;
    part.text += delta;
    this.#options.onDelta?.({ part: type, text: delta });
  }

  #note(id: string, metadata: SharedV4ProviderMetadata | undefined): void {
    const part = this.#open.get(id);
    const plain = toPlainJson(metadata);
    if (part === undefined || plain === undefined) return;
    part.provider_metadata = merge(part.provider_metadata ?? {}, plain);
  }

  #call(call: LanguageModelV4ToolCall): void {
    const metadata = toPlainJson(call.providerMetadata);
    this.#parts.push({
      type: "tool_call",
      id: this.#uniqueId(call.toolCallId),
      name: call.toolName,
      input: parseInput(call.input, this.#rawInputs.get(call.toolCallId)),
      ...(metadata === undefined ? {} : { provider_metadata: metadata }),
    });
  }

  #uniqueId(id: string): string {
    let unique = id;
    while (this.#ids.has(unique)) unique += this.#options.idSuffix;
    this.#ids.add(unique);
    return unique;
  }
}

/**
 * The input of a call. What is not JSON stays the string that the model wrote, so that the tool refuses it in words
 * the model can act on; `{}` for something unreadable is a guess of the SDK.
 */
function parseInput(input: string, raw: string | undefined): Json {
  const text = input === "{}" && raw !== undefined && raw.trim() !== "" ? raw : input;
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** A copy of what the journal may store: metadata may hold `undefined` and objects the SDK still writes to. */
function toPlainJson(metadata: SharedV4ProviderMetadata | undefined): JsonObject | undefined {
  return metadata === undefined ? undefined : (JSON.parse(JSON.stringify(metadata)) as JsonObject);
}

/** Later metadata of a provider adds to its earlier: a signature comes at the end. */
function merge(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged = { ...earlier };
  for (const [provider, value] of Object.entries(later)) {
    const before = merged[provider];
    merged[provider] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Servers do not agree on the reason of an answer with calls; the calls themselves decide. */
function finishReason(unified: LanguageModelV4FinishReason["unified"], parts: AssistantPart[]): FinishReason {
  if (unified === "length") return "length";
  if (unified === "content-filter") return "content_filter";
  if (parts.some((part) => part.type === "tool_call")) return "tool_calls";
  return unified === "stop" ? "stop" : "other";
}

function usageOf(usage: LanguageModelV4Usage | undefined): Usage | undefined {
  const input = usage?.inputTokens.total;
  const output = usage?.outputTokens.total;
  if (input === undefined && output === undefined) return undefined;
  const cached = usage?.inputTokens.cacheRead ?? 0;
  return {
    input_tokens: input ?? 0,
    output_tokens: output ?? 0,
    ...(cached > 0 ? { cached_input_tokens: cached } : {}),
  };
}
