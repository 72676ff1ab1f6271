/** How providers say that a prompt is too long; they have no code for it, or hide it in a 400 (01-R85). */
const OVERFLOW_WORDINGS: readonly RegExp[] = [
  /prompt is too long/i, // Anthropic
  /exceed(s|ed)? context limit/i, // Anthropic, input + max_tokens
  /input is too long/i, // Anthropic on Bedrock
  /exceeds? the context window/i, // OpenAI Responses
  /maximum context length/i, // OpenAI chat, OpenRouter, vLLM, Mistral
  /maximum prompt length/i, // xAI
  /input token count.*exceeds the maximum/i, // Google
  /exceed(s|ed)? (the )?(available|max|maximum) context/i, // llama.cpp, Ollama
  /greater than the context length/i, // LM Studio
  /reduce the length of the messages/i, // OpenAI chat, Groq
  /context[ _](length|window|size) (is )?exceeded/i, // others
];

export function isContextOverflow(message: string): boolean {
  return OVERFLOW_WORDINGS.some((wording) => wording.test(message));
}

/** Wordings that tell how large the input is and how much fits, input and output together. */
const SIZE_WORDINGS: readonly { wording: RegExp; limit: number; input: number }[] = [
  // Anthropic: "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"
  { wording: /context limit: (\d+) \+ \d+ > (\d+)/i, input: 1, limit: 2 },
  // OpenAI chat: "maximum context length is 8192 tokens. However, you requested 9000 tokens (5000 in the messages, …"
  // OpenRouter: "… is 128000 tokens. However, you requested about 135000 tokens (120000 of text input, …"
  {
    wording:
      /maximum context length is (\d+) tokens\. However, you requested (?:about )?\d+ tokens \((\d+) /i,
    limit: 1,
    input: 2,
  },
  // vLLM: "maximum context length is 8192 tokens and your request has 4000 input tokens"
  {
    wording: /maximum context length is (\d+) tokens and your request has (\d+) input tokens/i,
    limit: 1,
    input: 2,
  },
];

const RESERVE_TOKENS = 1_000;

/** 02-R45: the output limit with which the same input fits; undefined when the message does not say or none does. */
export function fittingOutputTokens(message: string): number | undefined {
  for (const { wording, limit, input } of SIZE_WORDINGS) {
    const match = wording.exec(message);
    if (match === null) continue;
    const room = Number(match[limit]) - Number(match[input]) - RESERVE_TOKENS;
    return room > 0 ? room : undefined;
  }
  return undefined;
}
