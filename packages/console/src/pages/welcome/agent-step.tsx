import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { kheish } from "../../app/client.ts";
import { routesQuery } from "../../app/queries.ts";
import { Button, Card, Failure } from "../../ui/parts.tsx";
import { endTour } from "./fresh.ts";

/** Somebody to talk to. */
export function AgentStep() {
  const navigate = useNavigate();
  const { data } = useQuery(routesQuery);
  const simulator = data?.routes.find(({ provider }) => provider === "simulator")?.route_id;
  const begin = useMutation({
    mutationFn: async ({ name, prompt, route }: { name: string; prompt?: string; route?: string }) => {
      const session = await kheish().sessions.create({
        session: `${name}-${Date.now().toString(36)}`,
        ...(route !== undefined && { route }),
      });
      if (prompt !== undefined) await session.responses.create({ prompt });
      return session.id;
    },
    onSuccess: (sessionId) => {
      endTour();
      return navigate({ to: "/sessions/$sessionId/chat", params: { sessionId } });
    },
  });
  const build = () => {
    endTour();
    void navigate({ to: "/playground" });
  };
  return (
    <>
      <p>An agent is a session: it lives in the daemon, whether you look or not.</p>
      <div className="grid gap-3 md:grid-cols-2">
        <Template
          title="An assistant"
          text="An empty conversation with the default model, in the daemon's workspace."
          action="Start a chat"
          isBusy={begin.isPending}
          onChoose={() => begin.mutate({ name: "assistant" })}
        />
        {simulator !== undefined && (
          <Template
            title="A guided tour"
            text="The simulator looks around the workspace, asks a question, and wants to write a file: you answer and approve."
            action="Take the tour"
            isBusy={begin.isPending}
            onChoose={() => begin.mutate({ name: "tour", prompt: '{"simulate":"tour"}', route: simulator })}
          />
        )}
        <Template
          title="Your own"
          text="Try routes and prompts on a workbench, and keep what works."
          action="Build my own in the playground"
          isBusy={begin.isPending}
          onChoose={build}
        />
      </div>
      {begin.error && <Failure error={begin.error} />}
    </>
  );
}

function Template({
  title,
  text,
  action,
  isBusy,
  onChoose,
}: {
  title: string;
  text: string;
  action: string;
  isBusy: boolean;
  onChoose: () => void;
}) {
  return (
    <Card className="grid content-between gap-3">
      <div>
        <h2 className="font-semibold">{title}</h2>
        <p className="text-soft">{text}</p>
      </div>
      <div>
        <Button tone="primary" disabled={isBusy} onClick={onChoose}>
          {action}
        </Button>
      </div>
    </Card>
  );
}
