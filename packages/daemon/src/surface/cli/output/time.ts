const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took: `340ms`, `4.2s`, `3m 5s`, `2h 10m`, `3d 4h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND) return `${whole}ms`;
  if (whole < 10 * SECOND) return `${(whole / SECOND).toFixed(1)}s`;
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)}s`;
  if (whole < HOUR) return pair(whole, MINUTE, "m", SECOND, "s");
  if (whole < DAY) return pair(whole, HOUR, "h", MINUTE, "m");
  return pair(whole, DAY, "d", HOUR, "h");
}

function pair(ms: number, unit: number, name: string, smaller: number, smallerName: string): string {
  return `${Math.floor(ms / unit)}${name} ${Math.floor((ms % unit) / smaller)}${smallerName}`;
}

/** How far away a moment is, in one unit: `now`, `3m ago`, `in 2h`. */
export function age(atMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - atMs);
  if (distance < SECOND) return "now";
  const text = coarse(distance);
  return atMs <= nowMs ? `${text} ago` : `in ${text}`;
}

function coarse(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/** The local time of day, for lines that follow each other. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
