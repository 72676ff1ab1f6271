import type { BudgetWindow } from "@kheish/contract";

/** From `startMs`, which is part of it, to `endMs`, which is not; a total never ends. */
export interface WindowSpan {
  startMs: number;
  endMs?: number;
}

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
/** Longer than any window of the kind, clock changes included, and shorter than two of them. */
const REACH_MINUTES = { hour: 2 * HOUR_MINUTES, day: 47 * HOUR_MINUTES, month: 33 * 24 * HOUR_MINUTES };

const formats = new Map<string, Intl.DateTimeFormat>();

/** The formatter of a time zone; throws `RangeError` for a name that is none. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-u-ca-iso8601", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  formats.set(timezone, format);
  return format;
}

export function isTimezone(timezone: string): boolean {
  try {
    formatOf(timezone);
    return true;
  } catch {
    return false;
  }
}

/**
 * The window that `nowMs` is in. Days and months begin when the clocks of the time zone say so, be such a day 23 or 25
 * hours long; an hour is cut where the clock is put forward or back, so that windows follow one another without gap or
 * overlap, whatever a zone does. To the minute: no zone in use has a finer offset.
 */
export function windowAt({ kind, timezone = "UTC" }: BudgetWindow, nowMs: number): WindowSpan {
  if (kind === "total") return { startMs: 0 };
  const format = formatOf(timezone);
  const now = Math.floor(nowMs / MINUTE_MS);
  const name = nameOf(format, kind, now);
  const isSame = (minute: number) => nameOf(format, kind, minute) === name;
  const reach = REACH_MINUTES[kind];
  // In both directions: the last minute that is still in it.
  const first = -lastSame(-now, -now + reach, (minute) => isSame(-minute));
  const last = lastSame(now, now + reach, isSame);
  return { startMs: first * MINUTE_MS, endMs: (last + 1) * MINUTE_MS };
}

/** Of the minutes from `from`, which is one, to `beyond`, which is none: the last that `isSame`. */
function lastSame(from: number, beyond: number, isSame: (minute: number) => boolean): number {
  let inside = from;
  let outside = beyond;
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2);
    if (isSame(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}

/** What the clocks of the zone call the window of a minute: the same name for all of its minutes and no others near. */
function nameOf(format: Intl.DateTimeFormat, kind: "hour" | "day" | "month", minute: number): string {
  const parts = new Map(
    format.formatToParts(minute * MINUTE_MS).map(({ type, value }) => [type, Number(value)]),
  );
  const at = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const month = `${at("year")}-${at("month")}`;
  if (kind === "month") return month;
  const day = `${month}-${at("day")}`;
  if (kind === "day") return day;
  const local = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute")) / MINUTE_MS;
  // The offset tells the hour that comes twice apart.
  return `${day}-${at("hour")} ${local - minute}`;
}
