import type { StatusWarning } from "@kheish/contract";

/** One finding of the doctor. Only what is not ok counts as a warning or an error. */
export interface Check {
  name: string;
  code: string;
  ok: boolean;
  severity: StatusWarning["severity"];
  message: string;
  action?: string;
  related_id?: string;
}

export function passed(name: string, code: string, message: string): Check {
  return { name, code, ok: true, severity: "info", message };
}

export function failed(name: string, code: string, message: string, action?: string): Check {
  return { name, code, ok: false, severity: "error", message, ...(action !== undefined && { action }) };
}

/** What the daemon warns of. */
export function warned(name: string, warning: StatusWarning): Check {
  const { severity, code, message, action, related_id } = warning;
  return {
    name,
    code,
    ok: severity === "info",
    severity,
    message,
    ...(action !== undefined && { action }),
    ...(related_id !== undefined && { related_id }),
  };
}
