import type { RouteView } from "@kheish/sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { routesQuery } from "../../app/queries.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Button, Card, duration, Failure, money } from "../../ui/parts.tsx";
import { checkRoute, type RouteCheck } from "./check-route.ts";
import { Field } from "./field.tsx";
import { freeRouteId, PROVIDERS, type Provider } from "./providers.ts";

/** A model to think with. */
export function ModelStep({ onDone }: { onDone: () => void }) {
  return (
    <>
      <p>
        Agents think with a model. Connect one; a key goes into the daemon's encrypted store and is never
        shown.
      </p>
      <Loaded query={useQuery(routesQuery)}>
        {({ routes }) => (
          <>
            <Known routes={routes.filter(({ provider }) => provider !== "simulator")} />
            <Connect onDone={onDone} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** What is connected already, and which of it is asked where nobody says. */
function Known({ routes }: { routes: readonly RouteView[] }) {
  const client = useQueryClient();
  const choose = useMutation({
    mutationFn: ({ route_id, model }: RouteView) =>
      kheish().api.setModel({ body: { provider: route_id, model } }),
    onSettled: () => client.invalidateQueries(),
  });
  if (routes.length === 0) return null;
  return (
    <Card>
      <fieldset className="grid gap-2">
        <legend className="mb-1 font-semibold">Connected; the default is</legend>
        {routes.map((route) => (
          <label key={route.route_id} className="flex items-center gap-2">
            <input
              type="radio"
              name="default-route"
              checked={route.active}
              disabled={choose.isPending}
              onChange={() => choose.mutate(route)}
            />
            <b>{route.route_id}</b> <span className="text-soft">{route.model}</span>
          </label>
        ))}
        {choose.error && <Failure error={choose.error} />}
      </fieldset>
    </Card>
  );
}

interface Connected {
  routeId: string;
  check: RouteCheck;
}

function Connect({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [provider, setProvider] = useState<Provider>();
  const connect = useMutation({
    mutationFn: async (form: FormData): Promise<Connected> => {
      // As they are now, not as the page last saw them: one may just have been taken back, or added by somebody else.
      const { routes } = await kheish().api.listRoutes();
      const routeId = await connected(provider, form, routes);
      await client.invalidateQueries({ queryKey: routesQuery.queryKey });
      return { routeId, check: await checkRoute(routeId) };
    },
    onSettled: () => client.invalidateQueries(),
  });
  const withdraw = useMutation({
    mutationFn: (route_id: string) => kheish().api.removeRoute({ params: { route_id } }),
    onSuccess: () => connect.reset(),
    onSettled: () => client.invalidateQueries(),
  });
  const result = connect.data;
  if (result !== undefined) {
    return (
      <Checked
        {...result}
        onKeep={onDone}
        onWithdraw={() => withdraw.mutate(result.routeId)}
        isOwn={provider?.id !== "simulator"}
        error={withdraw.error}
      />
    );
  }
  return (
    <>
      <fieldset className="grid grid-cols-2 gap-2 md:grid-cols-4" disabled={connect.isPending}>
        <legend className="mb-2 font-semibold">Provider</legend>
        {PROVIDERS.map((one) => (
          <button
            key={one.id}
            type="button"
            aria-pressed={one === provider}
            onClick={() => {
              setProvider(one);
              connect.reset();
            }}
            className="cursor-pointer rounded-md border border-line bg-surface px-3 py-3 text-left font-medium aria-pressed:border-accent aria-pressed:text-accent"
          >
            {one.name}
            <span className="block text-xs font-normal text-soft">{one.hint}</span>
          </button>
        ))}
      </fieldset>
      {provider !== undefined && (
        <Card>
          <form
            key={provider.id}
            className="grid gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              connect.mutate(new FormData(event.currentTarget));
            }}
          >
            {provider.id === "simulator" ? (
              <p>
                The simulator needs no key and no network. It plays scripts and answers everything else with
                an echo: enough to see approvals, questions and restarts.
              </p>
            ) : (
              <>
                <Field label="Model" name="model" defaultValue={provider.model} required />
                {provider.key !== undefined && (
                  <Field
                    label="Key"
                    name="key"
                    type="password"
                    placeholder={provider.key}
                    required={provider.baseUrl === undefined}
                  />
                )}
                {provider.baseUrl === undefined ? (
                  <details>
                    <summary className="cursor-pointer text-soft">Another address</summary>
                    <Field label="Base URL" name="base_url" placeholder="that of the provider" />
                  </details>
                ) : (
                  <Field label="Base URL" name="base_url" defaultValue={provider.baseUrl} required />
                )}
              </>
            )}
            {connect.error && <Failure error={connect.error} />}
            <div className="flex items-center gap-3">
              <Button tone="primary" type="submit" verb="admin" disabled={connect.isPending}>
                {provider.id === "simulator" ? "Use the simulator" : "Connect model"}
              </Button>
              {connect.isPending && (
                <span role="status" className="text-soft">
                  Asks the model for one word
                </span>
              )}
            </div>
          </form>
        </Card>
      )}
    </>
  );
}

/** Adds the route; the simulator's is there already in most daemons. The key is in the request and nowhere else. */
async function connected(
  provider: Provider | undefined,
  form: FormData,
  routes: readonly RouteView[],
): Promise<string> {
  const id = provider?.id ?? "simulator";
  const builtIn = routes.find((route) => route.provider === "simulator");
  if (id === "simulator" && builtIn !== undefined) return builtIn.route_id;
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const taken = routes.map(({ route_id }) => route_id);
  const route_id = freeRouteId(id.replaceAll("_", "-"), taken);
  const [key, baseUrl] = [text("key"), text("base_url")];
  await kheish().api.addRoute({
    body: {
      route_id,
      provider: id,
      model: text("model") || (provider?.model ?? "script"),
      ...(key !== "" && { api_key: key }),
      ...(baseUrl !== "" && { base_url: baseUrl }),
      ...(id === "openai_compatible" && key === "" && { unauthenticated: true }),
    },
  });
  return route_id;
}

/** What one real call showed: that the key works, that it does not, or that nobody can say. */
function Checked({
  routeId,
  check,
  isOwn,
  onKeep,
  onWithdraw,
  error,
}: Connected & { isOwn: boolean; onKeep: () => void; onWithdraw: () => void; error: unknown }) {
  const { run } = check;
  const tokens = (run.usage?.input_tokens ?? 0) + (run.usage?.output_tokens ?? 0);
  const took = (run.finished_at_ms ?? run.submitted_at_ms) - run.submitted_at_ms;
  return (
    <Card className="grid gap-3">
      {check.outcome === "answers" && (
        <p role="status" className="text-good">
          {routeId} answers. It took {duration(took)}.
        </p>
      )}
      {check.outcome === "fails" && (
        <Failure error={new Error(`${routeId} was added, and does not answer: ${check.why}`)} />
      )}
      {check.outcome === "unknown" && (
        <p role="status" className="text-wait">
          {routeId} was added. It neither answered nor refused within half a minute: nobody can say whether
          the key works.
        </p>
      )}
      <p className="text-soft">
        Asked once, for one word, in{" "}
        <Link className="text-accent underline" to="/runs/$runId" params={{ runId: run.run_id }}>
          {run.run_id}
        </Link>
        : {tokens} tokens, {money(run.usage?.cost_microusd)}.
      </p>
      {error ? <Failure error={error} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button tone={check.outcome === "answers" ? "primary" : "plain"} verb="read" onClick={onKeep}>
          {check.outcome === "answers" ? "Continue" : "Keep it anyway"}
        </Button>
        {isOwn && check.outcome !== "answers" && (
          <Button tone="primary" verb="admin" onClick={onWithdraw}>
            Remove it and try again
          </Button>
        )}
      </div>
    </Card>
  );
}
