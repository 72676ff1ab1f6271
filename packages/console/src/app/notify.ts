import type { RunView } from "@kheish/sdk";
import { useSyncExternalStore } from "react";

const KEY = "kheish-notify";
const listeners = new Set<() => void>();
const told = new Set<string>();

/** Whether somebody asked, in this browser, to be told outside of the page what waits. */
export function isNotifying(): boolean {
  return (
    "Notification" in globalThis &&
    Notification.permission === "granted" &&
    localStorage.getItem(KEY) === "on"
  );
}

export function useNotifying(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, isNotifying);
}

/** Only from a click: browsers ask the human for nothing else. False where the human or the browser said no. */
export async function startNotifying(): Promise<boolean> {
  if (!("Notification" in globalThis)) return false;
  if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, "on");
  for (const listener of listeners) listener();
  return isNotifying();
}

export function stopNotifying(): void {
  localStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

/** Tells of what a run waits for, once, while nobody sees the page. */
export function notifyOf(run: RunView, open: () => void): void {
  const asked = [
    ...(run.pending_approvals ?? []).map(({ id, tool_name }) => ({ id, title: `Approve ${tool_name}?` })),
    ...(run.pending_questions ?? []).map(({ id, questions }) => ({
      id,
      title: questions[0]?.question ?? "A question",
    })),
  ];
  for (const { id, title } of asked) {
    if (told.has(id)) continue;
    told.add(id);
    if (!document.hidden || !isNotifying()) continue;
    const body = `${run.run_id} in ${run.session_id} waits for you.`;
    const notification = new Notification(title, { body, tag: id, icon: "/icon.svg" });
    notification.onclick = () => {
      window.focus();
      notification.close();
      open();
    };
  }
}
