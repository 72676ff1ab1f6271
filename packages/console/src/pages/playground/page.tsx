import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { routesQuery, sessionQuery } from "../../app/queries.ts";
import { UseViaSdk } from "../../snippets/use-via-sdk.tsx";
import { Button, Card, Failure, Title } from "../../ui/parts.tsx";
import { ActiveRun } from "../chat/active-run.tsx";
import { Composer } from "../chat/composer.tsx";
import { EMPTY } from "../chat/conversation.ts";
import { ConversationView } from "../chat/conversation-view.tsx";
import { Meters } from "../chat/meters.tsx";
import { useConversation } from "../chat/use-conversation.ts";
import { CallLog } from "./call-log.tsx";
import { Promote } from "./promote.tsx";
import { Trials } from "./trials.tsx";

/** A workbench on a session to throw away: routes are swapped, inputs tried, tool calls read. */
export function Playground() {
  const { benchId } = useParams({ strict: false });
  return benchId === undefined ? <NewBench /> : <Bench benchId={benchId} />;
}

/** Nothing exists before the first input is sent. */
function NewBench() {
  const navigate = useNavigate();
  const [route, setRoute] = useState("");
  const send = async (prompt: string, wanted = route) => {
    const { id, responses } = await kheish().sessions.create({
      session: `bench-${Date.now().toString(36)}`,
      ...(wanted !== "" && { route: wanted }),
    });
    await responses.create({ prompt });
    await navigate({ to: "/playground/$benchId", params: { benchId: id } });
  };
  return (
    <>
      <Title>Playground</Title>
      <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="flex min-w-0 flex-col">
          <Card className="grid gap-3">
            <p>
              Try a model, a prompt, a tool. What you send runs for real, in a session of its own that is
              ended when you begin anew.
            </p>
            <Trials onSend={send} />
          </Card>
          <Composer onSend={send} placeholder="A trial input" />
        </div>
        <aside aria-label="The bench" className="grid grid-cols-1 gap-4">
          <Card>
            <RoutePicker value={route} onChange={setRoute} />
          </Card>
        </aside>
      </div>
    </>
  );
}

function Bench({ benchId }: { benchId: string }) {
  const navigate = useNavigate();
  const [isShown, setShown] = useState(false);
  const { data: session, error: unknown } = useQuery(sessionQuery(benchId));
  const { state, error } = useConversation(benchId);
  const conversation = state ?? EMPTY;
  const swap = useMutation({ mutationFn: (route: string) => kheish().sessions.setRoute(benchId, route) });
  const anew = useMutation({
    mutationFn: () => kheish().sessions.end(benchId, { reason: "another bench was begun" }),
    onSettled: () => navigate({ to: "/playground" }),
  });
  const provider = session?.route_policy?.provider;
  const route = provider ?? "";
  const send = (prompt: string, wanted?: string) =>
    kheish().responses.create({ session: benchId, prompt, ...(wanted !== undefined && { route: wanted }) });
  const failure = error ?? unknown ?? swap.error;
  return (
    <>
      <Title
        aside={
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => setShown(true)}>Use via SDK</Button>
            {session !== undefined && <Promote benchId={benchId} />}
            <Button verb="write" disabled={anew.isPending} onClick={() => anew.mutate()}>
              Begin anew
            </Button>
          </div>
        }
      >
        Playground <span className="text-sm font-normal text-soft">{benchId}</span>
      </Title>
      {failure ? <Failure error={failure} /> : null}
      <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-h-[calc(100dvh-6rem)] min-w-0 flex-col">
          <ConversationView conversation={conversation}>
            {session?.active_run_id !== undefined && <ActiveRun runId={session.active_run_id} />}
          </ConversationView>
          <Composer onSend={send} placeholder="A trial input" />
        </div>
        <aside aria-label="The bench" className="grid grid-cols-1 gap-4 lg:sticky lg:top-4">
          <Card className="grid grid-cols-1 gap-3">
            <RoutePicker value={route} onChange={(chosen) => swap.mutate(chosen)} />
            <Trials onSend={send} />
          </Card>
          <CallLog lines={conversation.lines} />
          {session !== undefined && <Meters session={session} conversation={conversation} />}
        </aside>
      </div>
      {isShown && <UseViaSdk sessionId={benchId} route={provider} onClose={() => setShown(false)} />}
    </>
  );
}

function RoutePicker({ value, onChange }: { value: string; onChange: (route: string) => void }) {
  const { data } = useQuery(routesQuery);
  const routes = data?.routes ?? [];
  const active = routes.find((route) => route.active);
  return (
    <label className="grid grid-cols-1 gap-1">
      <span className="text-soft">Route</span>
      <select
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="w-full min-w-0 rounded-md border border-line bg-canvas px-3 py-2"
      >
        {value === "" && (
          <option value="">The daemon's default{active === undefined ? "" : `: ${active.route_id}`}</option>
        )}
        {routes.map(({ route_id, model }) => (
          <option key={route_id} value={route_id}>
            {route_id}: {model}
          </option>
        ))}
      </select>
    </label>
  );
}
