const A_MINUTE_MS = 60_000;

/** A moment as a field for one has it: to the minute, where whoever looks lives. */
export function momentText(at: number): string {
  return new Date(at - new Date(at).getTimezoneOffset() * A_MINUTE_MS).toISOString().slice(0, 16);
}

/** What was typed, in milliseconds; a moment that nobody changed stays what it `was`, to the millisecond. */
export function momentOf(text: string, was?: number): number {
  return was !== undefined && text === momentText(was) ? was : new Date(text).getTime();
}
