import { useMutation, useQuery } from "@tanstack/react-query";
import { routesQuery } from "../../app/queries.ts";
import { Button, Failure } from "../../ui/parts.tsx";

interface Trial {
  name: string;
  prompt: string;
  /** Where it has to go; absent: wherever the bench does. */
  route?: string;
}

/** What any model understands, and what only the simulator plays. */
const FOR_ANY = [{ name: "What can you do?", prompt: "Which tools do you have, and what is each for?" }];
const FOR_SIMULATOR = [
  { name: "Guided tour", prompt: '{"simulate":"tour"}' },
  {
    name: "A command to approve",
    prompt: JSON.stringify({
      simulate: [
        { tool_calls: [{ name: "bash", input: { command: "date && ls" } }] },
        { text: "It said:\n{{last_tool_output}}" },
      ],
    }),
  },
];

/** Inputs to begin with. What is a script goes to the simulator, whatever the bench's route is. */
export function Trials({ onSend }: { onSend: (prompt: string, route?: string) => Promise<unknown> }) {
  const { data } = useQuery(routesQuery);
  const routes = data?.routes ?? [];
  const simulator = routes.find(({ provider, model }) => provider === "simulator" && model === "script");
  const hasModel = routes.some(({ provider }) => provider !== "simulator");
  const send = useMutation({ mutationFn: ({ prompt, route }: Trial) => onSend(prompt, route) });
  const trials: Trial[] = [
    ...(hasModel ? FOR_ANY : []),
    ...(simulator === undefined
      ? []
      : FOR_SIMULATOR.map((trial) => ({ ...trial, route: simulator.route_id }))),
  ];
  return (
    <div className="grid gap-2">
      <p className="text-soft">Trial inputs</p>
      <div className="flex flex-wrap gap-2">
        {trials.map((trial) => (
          <Button
            key={trial.name}
            verb="write"
            title={trial.route === undefined ? undefined : "Played by the simulator"}
            disabled={send.isPending}
            onClick={() => send.mutate(trial)}
          >
            {trial.name}
          </Button>
        ))}
      </div>
      {send.error && <Failure error={send.error} />}
    </div>
  );
}
