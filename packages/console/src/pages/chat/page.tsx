import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { sessionQuery } from "../../app/queries.ts";
import { UseViaSdk } from "../../snippets/use-via-sdk.tsx";
import { isMissing, MissingRecord } from "../../ui/missing.tsx";
import { Button, Failure, Title } from "../../ui/parts.tsx";
import { VisibleName } from "../../ui/visible.tsx";
import { ActiveRun } from "./active-run.tsx";
import { Composer } from "./composer.tsx";
import { ConversationView } from "./conversation-view.tsx";
import { Meters } from "./meters.tsx";
import { Queue } from "./queue.tsx";
import { useConversation } from "./use-conversation.ts";

/** A session as a conversation, live, with what it waits for in its place, what it used and what stands in its queue. */
export function ChatPage() {
  const { sessionId } = useParams({ from: "/sessions/$sessionId/chat" });
  const { data: session, error: unknown } = useQuery(sessionQuery(sessionId));
  const { state: conversation, error } = useConversation(sessionId);
  const activeRunId = session?.active_run_id;
  const failure = error ?? unknown;
  if (session === undefined && isMissing(failure)) return <NoSession sessionId={sessionId} />;
  return (
    <>
      <Title aside={<Actions sessionId={sessionId} isActive={activeRunId !== undefined} />}>
        <VisibleName name={sessionId} />
      </Title>
      {failure ? <Failure error={failure} /> : null}
      <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="flex min-h-[calc(100dvh-6rem)] min-w-0 flex-col">
          <ConversationView conversation={conversation}>
            {activeRunId !== undefined && <ActiveRun runId={activeRunId} />}
          </ConversationView>
          <Composer onSend={(prompt) => kheish().responses.create({ session: sessionId, prompt })} />
        </div>
        {session !== undefined && (
          <aside aria-label="The session" className="grid grid-cols-1 gap-4 lg:sticky lg:top-4">
            <Queue sessionId={sessionId} count={session.queued_run_count} />
            <Meters session={session} conversation={conversation} />
          </aside>
        )}
      </div>
    </>
  );
}

function NoSession({ sessionId }: { sessionId: string }) {
  return (
    <>
      <Title>
        <VisibleName name={sessionId} />
      </Title>
      <MissingRecord kind="session" />
    </>
  );
}

function Actions({ sessionId, isActive }: { sessionId: string; isActive: boolean }) {
  const [isShown, setShown] = useState(false);
  const stop = useMutation({ mutationFn: () => kheish().sessions.interrupt(sessionId) });
  return (
    <div className="flex flex-wrap items-center gap-2">
      {stop.error && <Failure error={stop.error} />}
      <Button onClick={() => setShown(true)}>Use via SDK</Button>
      <Button verb="write" disabled={!isActive || stop.isPending} onClick={() => stop.mutate()}>
        Interrupt
      </Button>
      {isShown && <UseViaSdk sessionId={sessionId} onClose={() => setShown(false)} />}
    </div>
  );
}
