const PREVIEW_CHARACTERS = 200;

/** The beginning of a text, for lists; no character is split. */
export function previewOf(text: string): string {
  // A character is at most two code units, so this holds one character more than is shown, if there is one.
  const characters = [...text.slice(0, PREVIEW_CHARACTERS * 2 + 2)];
  return characters.length <= PREVIEW_CHARACTERS
    ? text
    : `${characters.slice(0, PREVIEW_CHARACTERS).join("")}…`;
}
