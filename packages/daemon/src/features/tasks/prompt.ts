/** What the last line of an output looks like when a program waits for an answer (04-R48). */
const PROMPTS = [
  /\[[yn]\/[yn]\]:?$/i,
  /\([yn]\/[yn]\)[?:]?$/i,
  /\(yes\/no(?:\/\[fingerprint\])?\)\??$/i,
  /(?:password|passphrase|username|login)[^\n]{0,60}:$/i,
  /press (?:enter|return|any key)[^\n]{0,60}$/i,
  /(?:continue|proceed|overwrite|are you sure)[^\n]{0,60}\?$/i,
];

export function looksLikePrompt(tail: string): boolean {
  const last = tail.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return PROMPTS.some((prompt) => prompt.test(last));
}
