import { useNavigate, useParams } from "@tanstack/react-router";
import { Button } from "../../ui/parts.tsx";
import { AgentStep } from "./agent-step.tsx";
import { endTour } from "./fresh.ts";
import { ModelStep } from "./model-step.tsx";
import { SecretsStep } from "./secrets-step.tsx";
import { ToolsStep } from "./tools-step.tsx";

const STEPS = [
  { id: "model", name: "Model", Step: ModelStep },
  { id: "tools", name: "Tools", Step: ToolsStep },
  { id: "secrets", name: "Secrets", Step: SecretsStep },
  { id: "agent", name: "First agent", Step: AgentStep },
] as const;

/** From an empty daemon to a first answer. Each step writes to the daemon when it is done, and can be come back to. */
export function Welcome() {
  const { step } = useParams({ strict: false });
  const navigate = useNavigate();
  const at = Math.max(
    0,
    STEPS.findIndex(({ id }) => id === step),
  );
  const goTo = (index: number) => {
    const id = STEPS[index]?.id;
    if (id !== undefined) void navigate({ to: "/welcome/$step", params: { step: id } });
  };
  const skip = () => {
    endTour();
    void navigate({ to: "/" });
  };
  const { Step, name } = STEPS[at] ?? STEPS[0];
  return (
    <div className="mx-auto max-w-2xl">
      <header className="mb-6 flex flex-wrap items-center justify-between gap-2">
        <h1 className="text-xl font-semibold">Welcome to Kheish</h1>
        <Button onClick={skip}>Skip the tour</Button>
      </header>
      <ol aria-label="Steps" className="mb-6 flex flex-wrap gap-x-6 gap-y-2">
        {STEPS.map((one, index) => (
          <li key={one.id} aria-current={index === at ? "step" : undefined}>
            <button
              type="button"
              onClick={() => goTo(index)}
              className={`cursor-pointer border-b-2 pb-1 ${index === at ? "border-accent font-medium" : "border-transparent text-soft"}`}
            >
              {index + 1}. {one.name}
            </button>
          </li>
        ))}
      </ol>
      <section aria-label={name} className="grid gap-4">
        <Step onDone={() => goTo(at + 1)} />
      </section>
    </div>
  );
}
