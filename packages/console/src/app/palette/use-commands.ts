import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { kheish, signIn, useSignedInAs } from "../client.ts";
import { announce } from "../notice.tsx";
import { queryClient, runsQuery, sessionsQuery, waitingQuery } from "../queries.ts";
import { setTheme, THEMES } from "../theme.ts";
import type { Command } from "./match.ts";

/** All that can be gone to or done from anywhere: pages, what is known of runs and sessions, and a few actions. */
export function useCommands(pages: readonly { to: string; name: string }[], typed: string): Command[] {
  const navigate = useNavigate();
  const client = useQueryClient();
  const isSignedIn = useSignedInAs() !== "";
  const sessions = useQuery(sessionsQuery).data;
  const waiting = useQuery(waitingQuery).data;
  const runs = client.getQueryData(runsQuery().queryKey)?.pages;
  const asked = /^run-\d+$/.test(typed.trim()) ? typed.trim() : undefined;
  return useMemo(() => {
    const failed = (error: unknown) => announce(error instanceof Error ? error.message : String(error));
    const toRun = (runId: string) => void navigate({ to: "/runs/$runId", params: { runId } });
    const toChat = (sessionId: string) =>
      void navigate({ to: "/sessions/$sessionId/chat", params: { sessionId } });
    const newChat = () => {
      kheish()
        .sessions.create()
        .then(({ id }) => toChat(id))
        .catch(failed);
    };
    const known = [...(waiting ?? []), ...(runs ?? []).flatMap(({ items }) => items)];
    const byId = new Map(known.map((run) => [run.run_id, run]));
    return [
      ...pages.map(({ to, name }) => ({
        id: to,
        group: "Go to",
        name,
        run: () => void navigate({ to: to as "/" }),
      })),
      { id: "new-chat", group: "Do", name: "New chat", run: newChat },
      ...THEMES.map((theme) => ({
        id: `theme-${theme}`,
        group: "Do",
        name:
          theme === "system" ? "Colours of the system" : `${theme === "light" ? "Light" : "Dark"} colours`,
        hint: "theme",
        run: () => setTheme(theme),
      })),
      ...(isSignedIn
        ? [
            {
              id: "sign-out",
              group: "Do",
              name: "Sign out",
              run: () => {
                signIn("");
                void queryClient.resetQueries();
              },
            },
          ]
        : []),
      ...(asked === undefined
        ? []
        : [{ id: `asked-${asked}`, group: "Run", name: asked, run: () => toRun(asked) }]),
      ...[...byId.values()]
        .filter(({ run_id }) => run_id !== asked)
        .map(({ run_id, status, request }) => ({
          id: run_id,
          group: "Run",
          name: run_id,
          hint: `${status.replaceAll("_", " ")} ${request.text_preview ?? ""}`,
          run: () => toRun(run_id),
        })),
      ...(sessions ?? []).map(({ session_id, status }) => ({
        id: `session-${session_id}`,
        group: "Session",
        name: session_id,
        hint: status.replaceAll("_", " "),
        run: () => toChat(session_id),
      })),
    ];
  }, [pages, navigate, isSignedIn, sessions, waiting, runs, asked]);
}
