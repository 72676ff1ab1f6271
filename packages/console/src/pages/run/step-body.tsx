import type { Json as JsonValue, PermissionAudit } from "@kheish/sdk";
import { type ReactNode, useState } from "react";
import { CallInput } from "../../calls/input.tsx";
import { Button, Json, money, Time, words } from "../../ui/parts.tsx";
import { Prompt } from "./prompt.tsx";
import type { Body, Usage } from "./step.ts";

/** All that is known of a step. */
export function StepBody({ runId, body }: { runId: string; body: Body }) {
  return (
    <div className="grid gap-4 px-4 pt-1 pb-4">
      <dl className="grid gap-4 md:grid-cols-3">
        <Parts body={body} />
      </dl>
      {"turn" in body && <ShowPrompt runId={runId} turn={body.turn} />}
    </div>
  );
}

function Parts({ body }: { body: Body }) {
  switch (body.kind) {
    case "model":
      return <Model body={body} />;
    case "tool":
      return <Tool body={body} />;
    case "wait":
      return <Wait body={body} />;
    case "retry":
      return (
        <>
          <Part name="Error">
            {words(body.error.class)}: {body.error.message}
          </Part>
          <Part name="What the run did then">{NEXT[body.next] ?? words(body.next)}</Part>
        </>
      );
    case "restart":
      return (
        <Part name="What it did">
          {body.did.length === 0 ? (
            "It went on where the run was."
          ) : (
            <ul className="list-disc pl-5">
              {body.did.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          )}
        </Part>
      );
    case "compaction":
      return (
        <>
          <Part name="Tokens freed">{body.tokensFreed.toLocaleString()}</Part>
          {body.messagesRemoved !== undefined && (
            <Part name="Messages no longer shown">{body.messagesRemoved}</Part>
          )}
        </>
      );
  }
}

const NEXT: Record<string, string> = {
  snip: "left out older messages and asked again",
  compact: "summarised older messages and asked again",
  fallback: "asked the next model of its fallback chain",
  fail: "failed",
};

function Model({ body }: { body: Extract<Body, { kind: "model" }> }) {
  return (
    <>
      {body.reasoning !== "" && (
        <Part name="Reasoning">
          <Json value={body.reasoning} />
        </Part>
      )}
      {body.text !== "" && (
        <Part name="Text">
          <Json value={body.text} />
        </Part>
      )}
      {body.calls.length > 0 && (
        <Part name="Tool calls">
          <div className="grid gap-3">
            {body.calls.map(({ name, input }, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same call may be made twice; the order is the identity
              <div key={at} className="grid gap-1">
                <span className="font-medium">{name}</span>
                <CallInput tool={name} input={input as JsonValue} />
              </div>
            ))}
          </div>
        </Part>
      )}
      {body.usage !== undefined && <Part name="Tokens and cost">{usageText(body.usage)}</Part>}
    </>
  );
}

function usageText({ input_tokens, output_tokens, cached_input_tokens, cost_microusd }: Usage): string {
  const cached = cached_input_tokens ? ` (${cached_input_tokens.toLocaleString()} from the cache)` : "";
  const tokens = `${input_tokens.toLocaleString()} in${cached}, ${output_tokens.toLocaleString()} out`;
  return `${tokens}; ${money(cost_microusd)}`;
}

function ShowPrompt({ runId, turn }: { runId: string; turn: number }) {
  const [isShown, setShown] = useState(false);
  return (
    <div>
      <Button aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? "Hide the prompt" : "What the model was asked"}
      </Button>
      {isShown && <Prompt runId={runId} turn={turn} />}
    </div>
  );
}

const EFFECTS: Record<string, string> = {
  read: "changes nothing; after a crash it is run again",
  idempotent: "may be repeated under its key; after a crash it is run again",
  once: "is never repeated on its own",
};
const LEDGER: Record<string, string> = {
  dispatched: "it left; its outcome is not known yet",
  settled: "done",
  failed: "done, with an error",
  denied: "it never left",
  unknown: "a crash hid its outcome",
  reconciled: "a crash hid its outcome; it was looked up",
};

function Tool({ body }: { body: Extract<Body, { kind: "tool" }> }) {
  return (
    <>
      <Part name="Input">
        <CallInput tool={body.tool} input={body.input as JsonValue} />
      </Part>
      {body.hasOutput && (
        <Part name="Output">
          <Json value={body.output} />
        </Part>
      )}
      <Part name="Effect" isNarrow>
        <b>{body.effect}</b>: {EFFECTS[body.effect]}
        <span className="block text-xs text-soft wrap-anywhere">key {body.idempotencyKey}</span>
      </Part>
      <Part name="Ledger" isNarrow>
        <b>{body.ledger}</b>
        {LEDGER[body.ledger] !== undefined && `: ${LEDGER[body.ledger]}`}
      </Part>
      {body.permission !== undefined && (
        <Part name="Permission" isNarrow>
          <Permission audit={body.permission} />
        </Part>
      )}
    </>
  );
}

function Permission({ audit }: { audit: PermissionAudit }) {
  const { decision, base_decision: base, mode_effect, matched_rule_pattern: rule, scope } = audit;
  return (
    <>
      <b>{decision}</b>
      {base !== undefined && base !== decision && ` (${base} before the mode ${words(mode_effect ?? "")})`}
      <span className="block text-xs text-soft wrap-anywhere">
        {rule !== undefined && `rule ${rule}, `}
        {scope} scope{audit.reason !== undefined && `: ${audit.reason}`}
        {audit.justification !== undefined && `: ${audit.justification}`}
      </span>
    </>
  );
}

function Wait({ body }: { body: Extract<Body, { kind: "wait" }> }) {
  return (
    <>
      <Part name="Asked">
        <div className="grid gap-3">
          {body.requests.map((request) =>
            "tool_name" in request ? (
              <div key={request.id} className="grid gap-1">
                <span>
                  <b>{request.tool_name}</b> <span className="text-soft">{request.reason}</span>
                </span>
                <CallInput tool={request.tool_name} input={request.input} />
              </div>
            ) : (
              <ul key={request.id} className="list-disc pl-5">
                {request.questions.map(({ id, question }) => (
                  <li key={id}>{question}</li>
                ))}
              </ul>
            ),
          )}
        </div>
      </Part>
      {body.decisions.map(({ by, atMs, said }) => (
        <Part key={atMs} name="Decision">
          <p className="mb-1">
            by <b>{by ?? "nobody known"}</b>, <Time at={atMs} />
          </p>
          <Json value={said} />
        </Part>
      ))}
    </>
  );
}

function Part({
  name,
  isNarrow = false,
  children,
}: {
  name: string;
  isNarrow?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={`min-w-0 ${isNarrow ? "" : "md:col-span-3"}`}>
      <dt className="mb-1 text-soft">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
