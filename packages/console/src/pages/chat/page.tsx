import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useRef } from "react";
import { kheish } from "../../app/client.ts";
import { runQuery, sessionQuery } from "../../app/queries.ts";
import { useFolded } from "../../app/use-folded.ts";
import { Button, Failure, Title, words } from "../../ui/parts.tsx";
import { Decide } from "../inbox/decide.tsx";
import { afterAll, EMPTY, type Line } from "./conversation.ts";

/** A session as a conversation, live, with what it waits for in its place. */
export function ChatPage() {
  const { sessionId } = useParams({ from: "/sessions/$sessionId/chat" });
  const session = useQuery(sessionQuery(sessionId));
  const { state: conversation, error } = useConversation(sessionId);
  const activeRunId = session.data?.active_run_id;
  const failure = error ?? session.error;
  return (
    <div className="flex min-h-[calc(100dvh-2rem)] flex-col">
      <Title aside={<Stop sessionId={sessionId} isActive={activeRunId !== undefined} />}>{sessionId}</Title>
      {failure ? <Failure error={failure} /> : null}
      <ol aria-live="polite" aria-label="Conversation" className="grid flex-1 content-start gap-3 pb-4">
        {conversation.lines.map((line) => (
          <Said key={line.key} line={line} />
        ))}
        {conversation.writing !== undefined && (
          <Said line={{ key: "writing", who: "agent", text: conversation.writing.text }} />
        )}
        {activeRunId !== undefined && <Active runId={activeRunId} />}
      </ol>
      <Composer sessionId={sessionId} />
    </div>
  );
}

const LOOKS: Record<Line["who"], string> = {
  you: "justify-self-end bg-accent text-on-accent",
  agent: "justify-self-start border border-line bg-surface",
  tool: "justify-self-start font-mono text-xs text-soft",
};

function Said({ line: { who, text } }: { line: Line }) {
  return (
    <li
      data-who={who}
      className={`max-w-[85%] whitespace-pre-wrap wrap-anywhere rounded-lg px-3 py-2 ${LOOKS[who]}`}
    >
      {text}
    </li>
  );
}

function Active({ runId }: { runId: string }) {
  const { data: run } = useQuery(runQuery(runId));
  if (run === undefined) return null;
  return (
    <li className="grid gap-2">
      <Link className="text-accent underline" to="/runs/$runId" params={{ runId }}>
        {runId}: {words(run.status)}
      </Link>
      <Decide run={run} />
    </li>
  );
}

function Stop({ sessionId, isActive }: { sessionId: string; isActive: boolean }) {
  const stop = useMutation({ mutationFn: () => kheish().sessions.interrupt(sessionId) });
  return (
    <Button disabled={!isActive || stop.isPending} onClick={() => stop.mutate()}>
      Interrupt
    </Button>
  );
}

function Composer({ sessionId }: { sessionId: string }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const send = useMutation({
    mutationFn: (prompt: string) => kheish().responses.create({ session: sessionId, prompt }),
    onSuccess: () => {
      if (field.current !== null) field.current.value = "";
    },
  });
  const submit = () => {
    const text = field.current?.value.trim() ?? "";
    if (text !== "" && !send.isPending) send.mutate(text);
  };
  return (
    <form
      className="sticky bottom-0 grid gap-2 bg-canvas py-3"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {send.error && <Failure error={send.error} />}
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          aria-label="Message"
          placeholder="Enter sends, Shift and Enter is a new line"
          rows={2}
          className="min-w-0 flex-1 rounded-md border border-line bg-surface p-3"
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            submit();
          }}
        />
        <Button tone="primary" type="submit" disabled={send.isPending}>
          Send
        </Button>
      </div>
    </form>
  );
}

/** From the session's first event on, live; the daemon may go and come back meanwhile. */
function useConversation(sessionId: string) {
  return useFolded(
    sessionId,
    (cursor, signal) => kheish().sessions.stream(sessionId, { cursor, signal }),
    EMPTY,
    afterAll,
  );
}
