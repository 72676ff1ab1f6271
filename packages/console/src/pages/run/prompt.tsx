import type { Json as JsonValue, RunPrompt } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Json } from "../../ui/parts.tsx";

/** What a model was asked in a turn. It is rebuilt, and says what of it is not what was sent. */
export function Prompt({ runId, turn }: { runId: string; turn: number }) {
  const query = useQuery({
    queryKey: ["prompt", runId, turn],
    queryFn: ({ signal }) =>
      kheish().api.runPrompt({ params: { run_id: runId, turn: String(turn) }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <section aria-label={`Prompt of turn ${turn}`} className="mt-3 grid gap-3">
      <Loaded query={query}>{(prompt) => <Known prompt={prompt} />}</Loaded>
    </section>
  );
}

interface Message {
  role: string;
  parts?: { type: string; text?: string }[];
}

function Known({ prompt }: { prompt: RunPrompt }) {
  const messages = prompt.messages as unknown as Message[];
  return (
    <>
      <p className="text-soft">
        Rebuilt from the journal, for {prompt.model} on route {prompt.route_id}. The conversation is what was
        sent; {prompt.as_of_now.join(" and ")} are as they would be now.
      </p>
      <Block name="system">
        <Json value={prompt.system} />
      </Block>
      <Block name={`${prompt.tools.length} tools`}>
        <ul className="grid gap-1">
          {prompt.tools.map(({ name, description }) => (
            <li key={name}>
              <code className="font-mono text-xs font-semibold">{name}</code>{" "}
              <span className="text-soft">{description}</span>
            </li>
          ))}
        </ul>
      </Block>
      {messages.map((message, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages have no other identity than their order
        <Block key={at} name={message.role} isOpen>
          <Json value={textOf(message) ?? (message as unknown as JsonValue)} />
        </Block>
      ))}
    </>
  );
}

/** A message of nothing but text, as that text. */
function textOf({ parts }: Message): string | undefined {
  if (parts === undefined || parts.some(({ type }) => type !== "text")) return undefined;
  return parts.map(({ text }) => text).join("\n");
}

function Block({
  name,
  isOpen = false,
  children,
}: {
  name: string;
  isOpen?: boolean;
  children: React.ReactNode;
}) {
  return (
    <details open={isOpen} className="rounded-md border border-line px-3 py-2">
      <summary className="cursor-pointer font-medium">{name}</summary>
      <div className="mt-2">{children}</div>
    </details>
  );
}
