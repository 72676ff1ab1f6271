/** What takes no place, or turns the text around it: somebody would decide about something else than what they read. */
const HIDDEN = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
/** What these join is one picture. */
const JOINED =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d(?=\p{Extended_Pictographic})/uy;

/** A text, cut where a character does not show itself. Such a character is a piece of its own, with its name. */
export function pieces(text: string): { text: string; hidden?: string }[] {
  const cut: { text: string; hidden?: string }[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    JOINED.lastIndex = index;
    if (JOINED.test(text)) continue;
    if (index > from) cut.push({ text: text.slice(from, index) });
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    cut.push({ text: character, hidden: `U+${code}` });
    from = index + character.length;
  }
  if (from < text.length) cut.push({ text: text.slice(from) });
  return cut;
}
