import { problem } from "@kheish/contract";

/** Where a consumer of a stream says that it stands. */
export interface CursorOptions {
  cursor?: string | undefined;
  /** The header `Last-Event-ID`. */
  lastEventId?: string | undefined;
}

/** The larger of header and query; both decimal strings, read as BigInt (01-R54, 01-R57). */
export function cursorOf(options: CursorOptions): bigint | undefined {
  const given = [options.lastEventId, options.cursor].filter(
    (text) => text !== undefined && text.trim() !== "",
  );
  const cursors = given.map((text) => {
    const trimmed = (text ?? "").trim();
    if (!/^\d{1,20}$/.test(trimmed)) {
      throw problem(
        "events",
        "invalid_event_cursor",
        `event cursor '${trimmed.slice(0, 40)}' is not a decimal number of at most 20 digits`,
      );
    }
    return BigInt(trimmed);
  });
  return cursors.reduce<bigint | undefined>(
    (most, one) => (most === undefined || one > most ? one : most),
    undefined,
  );
}
