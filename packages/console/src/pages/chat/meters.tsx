import type { SessionView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { routesQuery } from "../../app/queries.ts";
import { Card, money } from "../../ui/parts.tsx";
import type { Conversation } from "./conversation.ts";

/** What the session cost so far, and how full the model's context window is. */
export function Meters({ session, conversation }: { session: SessionView; conversation: Conversation }) {
  const { usage, budgets = [] } = session;
  const { used, context } = conversation;
  return (
    <Card className="grid grid-cols-1 gap-3">
      <h2 className="font-semibold">Used</h2>
      <dl className="grid grid-cols-[1fr_auto] gap-x-3 gap-y-1">
        <Figure name="Cost" value={used.modelCalls === 0 ? "none yet" : money(used.costMicrousd)} />
        <Figure name="Model calls" value={used.modelCalls.toLocaleString()} />
        <Figure name="Tokens in" value={used.inputTokens.toLocaleString()} />
        <Figure name="Tokens out" value={used.outputTokens.toLocaleString()} />
        <Figure name="Tool calls" value={used.toolCalls.toLocaleString()} />
        <Figure name="Restarts" value={(usage?.restarts ?? 0).toLocaleString()} />
      </dl>
      {context !== undefined && <ContextWindow context={context} />}
      {budgets.length > 0 && (
        <p className="text-soft wrap-anywhere">
          Budgets: {budgets.map(({ budget_id }) => budget_id).join(", ")}
        </p>
      )}
    </Card>
  );
}

function ContextWindow({ context }: { context: NonNullable<Conversation["context"]> }) {
  const { data } = useQuery(routesQuery);
  const size = data?.routes.find(({ route_id }) => route_id === context.routeId)?.context_tokens;
  const used = context.tokens.toLocaleString();
  if (size === undefined) {
    return (
      <p>
        <span className="text-soft">Context</span> {used} tokens in the last call
      </p>
    );
  }
  const part = Math.min(1, context.tokens / size);
  const tone = part > 0.85 ? "bg-bad" : part > 0.6 ? "bg-wait" : "bg-accent";
  const text = `${used} of ${size.toLocaleString()} tokens`;
  return (
    <div>
      <p className="mb-1 flex justify-between">
        <span className="text-soft">Context window</span>
        <span className="tabular-nums">{text}</span>
      </p>
      <meter
        aria-label="Context window"
        max={size}
        value={Math.min(context.tokens, size)}
        className="sr-only"
      >
        {text}
      </meter>
      <div aria-hidden="true" className="h-2 overflow-hidden rounded bg-canvas">
        <div className={`h-full ${tone}`} style={{ width: `${Math.max(1, part * 100)}%` }} />
      </div>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="text-right tabular-nums">{value}</dd>
    </>
  );
}
