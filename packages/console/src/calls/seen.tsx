import type { Json, PermissionExplanation, SeenInput } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { kheish } from "../app/client.ts";
import { Failure } from "../ui/parts.tsx";
import { Visible } from "../ui/visible.tsx";

interface Call {
  tool: string;
  input: Json;
  sessionId: string;
}

/**
 * The words that a permission rule has to match, and which rule asks. It takes its place before it is known, so that
 * no button below moves under somebody's finger.
 */
export function Seen({ tool, input, sessionId }: Call) {
  const { data, error } = useQuery({
    queryKey: ["seen", sessionId, tool, input],
    queryFn: ({ signal }) =>
      kheish().api.checkPermission({ body: { tool_name: tool, input, session_id: sessionId }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <details className="rounded-md border border-line px-3 py-2">
      <summary className="cursor-pointer text-soft">What rules see</summary>
      {data !== undefined && <Checked {...data} />}
      {error !== null && <Failure error={error} />}
    </details>
  );
}

function Checked({ seen, matched_rule, matched_rule_origin }: PermissionExplanation) {
  return (
    <dl className="mt-2 grid gap-2 text-xs">
      {seen === undefined ? null : <Words seen={seen} />}
      {matched_rule !== undefined && (
        <Row name="asked by">
          <Word text={matched_rule} /> <span className="text-soft">{matched_rule_origin}</span>
        </Row>
      )}
    </dl>
  );
}

function Words({ seen: { commands = [], redirects, paths, hosts, unparsable } }: { seen: SeenInput }) {
  return (
    <>
      {commands.map(({ argv, unknown }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same command may stand there twice
        <Row key={at} name={at === 0 ? "commands" : ""}>
          {argv.map((word, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same word may stand there twice
            <Word key={place} text={word} isUnknown={unknown?.includes(place) === true} />
          ))}
        </Row>
      ))}
      {Object.entries({ "opened files": redirects, paths, hosts }).map(([name, words]) =>
        words === undefined || words.length === 0 ? null : (
          <Row key={name} name={name}>
            {words.map((word) => (
              <Word key={word} text={word} />
            ))}
          </Row>
        ),
      )}
      {unparsable !== undefined && (
        <p className="text-wait">
          Nobody can say what would run ({unparsable}): no rule with a match allows it, each that denies does.
        </p>
      )}
    </>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-1 md:grid-cols-[7rem_1fr]">
      <dt className="text-soft">{name}</dt>
      <dd className="flex flex-wrap items-baseline gap-1">{children}</dd>
    </div>
  );
}

function Word({ text, isUnknown = false }: { text: string; isUnknown?: boolean }) {
  return (
    <code
      title={isUnknown ? "Only the shell will know what this is" : undefined}
      className={`rounded border px-1.5 py-0.5 font-mono wrap-anywhere ${isUnknown ? "border-dashed border-wait text-wait" : "border-line bg-canvas"}`}
    >
      <Visible text={text === "" ? "''" : text} />
      {isUnknown && <span className="sr-only"> (only the shell will know)</span>}
    </code>
  );
}
