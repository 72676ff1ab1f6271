/** How a key of bytes stands in a variable, a file or an answer: what the redactor has to know of it. */
export function textsOfKey(key: Uint8Array): string[] {
  const bytes = Buffer.from(key);
  return (["base64", "base64url", "hex", "latin1"] as const).map((form) => bytes.toString(form));
}
