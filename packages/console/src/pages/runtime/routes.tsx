import type { RouteListView, RouteView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { ChangeForm, Disclosure, type Fields, SelectField, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { useReasonAgainst } from "../../ui/may.tsx";
import { Button, Empty, words } from "../../ui/parts.tsx";
import { Refusal } from "../../ui/refusal.tsx";
import { ACTS, Acts, Cell, Row, Table, Word } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { routesQuery, runtimeQuery } from "./queries.ts";

const STALE = ["routes", "runtime", "status", "secrets"];
/** Drivers that a route can name, with what their models are called like. */
const PROVIDERS: readonly (readonly [provider: string, name: string, model: string])[] = [
  ["openai", "OpenAI", "gpt-5.5"],
  ["anthropic", "Anthropic", "claude-opus-4-8"],
  ["google", "Google", "gemini-2.5-pro"],
  ["openrouter", "OpenRouter", "openai/gpt-5.5"],
  ["xai", "xAI", "grok-4"],
  ["openai_compatible", "OpenAI compatible", "a model of that server"],
  ["simulator", "Simulator", "script"],
];

/** Ways to models: which there are, how each does, who counts on it. */
export function Routes() {
  return useReasonAgainst("admin") === undefined ? <AllRoutes /> : <NamedRoutes />;
}

/** What every reader is told. */
function NamedRoutes() {
  return (
    <Loaded query={useQuery(runtimeQuery)}>
      {({ routes = [], default_route }) => (
        <Table columns={["Route", "Provider", "Model"]}>
          {routes.map(({ route_id, provider, model }) => (
            <Row key={route_id}>
              <Cell name="Route">
                <b>{route_id}</b> {route_id === default_route?.route_id && <Default />}
              </Cell>
              <Cell name="Provider">{provider}</Cell>
              <Cell name="Model">{model}</Cell>
            </Row>
          ))}
        </Table>
      )}
    </Loaded>
  );
}

function Default() {
  return <span className="rounded bg-accent px-1.5 text-xs font-medium text-on-accent">default</span>;
}

function AllRoutes() {
  return (
    <div className="grid gap-4">
      <Loaded query={useQuery(routesQuery)}>
        {(list) => (
          <>
            {list.diagnostics.map(({ code, message, action }) => (
              <p key={code + message} role="status" className="rounded-md border border-wait p-3 text-wait">
                {message} {action}
              </p>
            ))}
            {list.routes.length === 0 ? (
              <Empty>No route to a model yet. The first one that is added becomes the default.</Empty>
            ) : (
              <Table columns={["Route", "Model", "Health", "Counted on by", ACTS]}>
                {list.routes.map((route) => (
                  <RouteRow key={route.route_id} route={route} list={list} />
                ))}
              </Table>
            )}
            <AddRoute revision={list.revision} />
          </>
        )}
      </Loaded>
    </div>
  );
}

/** Who would miss a route: what is configured, not what happens to run. */
function usersOf({ route_id, active }: RouteView, { routes }: RouteListView): string[] {
  const chains = routes.filter(({ fallback = [] }) => fallback.includes(route_id));
  return [
    ...(active ? ["the daemon, by default"] : []),
    ...chains.map((one) => `${one.route_id}, as fallback`),
  ];
}

function RouteRow({ route, list }: { route: RouteView; list: RouteListView }) {
  const users = usersOf(route, list);
  const makeDefault = useChange(
    () => kheish().api.setModel({ body: { provider: route.route_id, model: route.model } }),
    { stale: STALE },
  );
  const remove = useChange(
    (revision: number) =>
      kheish().api.removeRoute({
        params: { route_id: route.route_id },
        query: { expected_revision: revision },
      }),
    { stale: STALE },
  );
  return (
    <Row>
      <Cell name="Route">
        <b>{route.route_id}</b> {route.active && <Default />}
        <div className="text-soft">{ORIGINS[route.origin]}</div>
      </Cell>
      <Cell name="Model">
        {route.model}
        <div className="text-soft">
          {route.provider}
          {route.base_url !== undefined && ` at ${route.base_url}`}
          {route.auth_ref !== undefined && (
            <>
              , with what is in <code>{route.auth_ref}</code>
            </>
          )}
        </div>
      </Cell>
      <Cell name="Health">
        <Word tone={route.state === "ok" ? "good" : route.state === "warning" ? "wait" : "bad"}>
          {words(route.state)}
        </Word>
        {route.state !== "ok" && (
          <div className="text-soft">
            {route.message} {route.action}
          </div>
        )}
      </Cell>
      <Cell name="Counted on by">{users.length === 0 ? "nobody" : users.join("; ")}</Cell>
      <Cell>
        <Acts>
          {!route.active && (
            <Button
              tone="primary"
              verb="admin"
              disabled={makeDefault.isPending}
              onClick={() => makeDefault.mutate()}
            >
              Make default
            </Button>
          )}
          {route.origin === "overlay" && (
            <ConfirmButton
              name="Remove"
              what={`Remove the route ${route.route_id}?`}
              change={remove}
              input={() => list.revision}
            >
              <p>
                Work that names it is refused from then on, and runs that wait in the queue for it fail: none
                of them goes another way.
              </p>
              {users.length > 0 && <p>Counted on by: {users.join("; ")}.</p>}
            </ConfirmButton>
          )}
        </Acts>
        {makeDefault.error && <Refusal error={makeDefault.error} />}
      </Cell>
    </Row>
  );
}

const ORIGINS = { configured: "from the daemon's start", overlay: "added here", builtin: "built in" };

function AddRoute({ revision }: { revision: number }) {
  const [provider, setProvider] = useState("openai");
  const [, , model] = PROVIDERS.find(([one]) => one === provider) ?? [];
  const add = useChange(
    (fields: Fields) => {
      const api_key = fields.optional("api_key");
      const auth_ref = fields.optional("auth_ref");
      const base_url = fields.optional("base_url");
      return kheish().api.addRoute({
        body: {
          route_id: fields.required("route_id"),
          provider: fields.required("provider"),
          model: fields.required("model"),
          ...(api_key !== undefined && { api_key }),
          ...(auth_ref !== undefined && { auth_ref }),
          ...(base_url !== undefined && { base_url }),
          ...(fields.optional("unauthenticated") !== undefined && { unauthenticated: true }),
          expected_revision: revision,
        },
      });
    },
    { stale: STALE },
  );
  return (
    <Disclosure name="Add a route">
      <ChangeForm change={add} submit="Add route" onReload={() => add.reset()}>
        <div className="grid gap-3 sm:grid-cols-2">
          <SelectField
            label="Provider"
            name="provider"
            value={provider}
            onChange={(event) => setProvider(event.target.value)}
            options={PROVIDERS.map(([provider, name]) => [provider, name] as const)}
          />
          <TextField label="Model" name="model" required placeholder={model} />
          <TextField label="Name of the route" name="route_id" required placeholder={provider} />
          <TextField
            label="API key"
            name="api_key"
            type="password"
            hint="Goes into the encrypted store and is never shown again."
          />
          <TextField
            label="Or a secret slot that has it"
            name="auth_ref"
            placeholder="routes.openai.api_key"
          />
          <TextField label="Address, where it is not the provider's own" name="base_url" type="url" />
        </div>
        <label className="flex items-center gap-2">
          <input type="checkbox" name="unauthenticated" /> The server asks for no key
        </label>
      </ChangeForm>
    </Disclosure>
  );
}
