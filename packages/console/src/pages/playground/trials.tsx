import { useMutation, useQuery } from "@tanstack/react-query";
import { routesQuery } from "../../app/queries.ts";
import { Button, Failure } from "../../ui/parts.tsx";

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
  { name: "An echo", prompt: "Hello, simulator" },
];

/** Inputs to begin with. */
export function Trials({ onSend }: { onSend: (prompt: string) => Promise<unknown> }) {
  const { data } = useQuery(routesQuery);
  const hasSimulator = data?.routes.some(({ provider }) => provider === "simulator") === true;
  const hasModel = data?.routes.some(({ provider }) => provider !== "simulator") === true;
  const send = useMutation({ mutationFn: onSend });
  const inputs = [...(hasModel ? FOR_ANY : []), ...(hasSimulator ? FOR_SIMULATOR : [])];
  return (
    <div className="grid gap-2">
      <p className="text-soft">Trial inputs</p>
      <div className="flex flex-wrap gap-2">
        {inputs.map(({ name, prompt }) => (
          <Button key={name} disabled={send.isPending} onClick={() => send.mutate(prompt)}>
            {name}
          </Button>
        ))}
      </div>
      {hasSimulator && (
        <p className="text-xs text-soft">The tour and the command need the simulator's route.</p>
      )}
      {send.error && <Failure error={send.error} />}
    </div>
  );
}
