import type { Json as JsonValue, Verb } from "@kheish/sdk";
import type { UseMutationResult } from "@tanstack/react-query";
import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import { momentOf, momentText } from "./moment.ts";
import { Button } from "./parts.tsx";
import { Refusal } from "./refusal.tsx";

const BOX = "w-full min-w-0 rounded-md border border-line bg-canvas px-3 py-2 font-normal";

interface Labelled {
  label: string;
  /** Said below the field. */
  hint?: string;
}

/** What ties a field to its words. */
interface Tie {
  id: string;
  "aria-describedby"?: string;
}

function Labelled({ label, hint, children }: Labelled & { children: (tie: Tie) => ReactNode }) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div className="grid min-w-0 content-start gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({ id, ...(hint !== undefined && { "aria-describedby": hintId }) })}
      {hint !== undefined && (
        <p id={hintId} className="text-soft">
          {hint}
        </p>
      )}
    </div>
  );
}

export function TextField({ label, hint, ...rest }: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Labelled label={label} {...(hint !== undefined && { hint })}>
      {(tie) => <input className={BOX} autoComplete="off" spellCheck={false} {...tie} {...rest} />}
    </Labelled>
  );
}

/** A moment in the time of whoever looks; `at` in milliseconds. */
export function MomentField({
  at,
  ...rest
}: Labelled & { at?: number | undefined } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <TextField type="datetime-local" {...(at !== undefined && { defaultValue: momentText(at) })} {...rest} />
  );
}

export function AreaField({ label, hint, ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Labelled label={label} {...(hint !== undefined && { hint })}>
      {(tie) => (
        <textarea className={`${BOX} font-mono text-xs`} rows={6} spellCheck={false} {...tie} {...rest} />
      )}
    </Labelled>
  );
}

type Option = string | readonly [value: string, name: string];

export function SelectField({
  label,
  hint,
  options,
  ...rest
}: Labelled & { options: readonly Option[] } & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Labelled label={label} {...(hint !== undefined && { hint })}>
      {(tie) => (
        <select className={BOX} {...tie} {...rest}>
          {options.map((option) => {
            const [value, name] = typeof option === "string" ? [option, option] : option;
            return (
              <option key={value} value={value}>
                {name}
              </option>
            );
          })}
        </select>
      )}
    </Labelled>
  );
}

/** What a form's fields hold, without white space around it; a field that was left empty is undefined. */
export class Fields {
  readonly #data: FormData;

  constructor(form: HTMLFormElement) {
    this.#data = new FormData(form);
  }

  optional(name: string): string | undefined {
    const value = String(this.#data.get(name) ?? "").trim();
    return value === "" ? undefined : value;
  }

  /** For a field that the browser does not let be empty. */
  required(name: string): string {
    return this.optional(name) ?? "";
  }

  number(name: string): number | undefined {
    const text = this.optional(name);
    return text === undefined ? undefined : Number(text);
  }

  /** In milliseconds; `was`: what the field began with. */
  moment(name: string, was?: number): number | undefined {
    const text = this.optional(name);
    return text === undefined ? undefined : momentOf(text, was);
  }

  /** As it was typed: the edge spaces of a secret are part of it. */
  exact(name: string): string {
    return String(this.#data.get(name) ?? "");
  }

  /** Throws what JSON does not read. */
  json<Value = JsonValue>(name: string): Value | undefined {
    const text = this.optional(name);
    return text === undefined ? undefined : (JSON.parse(text) as Value);
  }

  all(name: string): string[] {
    return this.#data.getAll(name).map(String);
  }
}

/** Empties a form of what was sent. Where something was typed meanwhile it is left as it is: that is the next. */
export function empty(form: HTMLFormElement, sent: FormData): void {
  const held = [...new FormData(form)];
  const before = [...sent];
  const isAsSent =
    held.length === before.length &&
    held.every(([name, value], at) => name === before[at]?.[0] && value === before[at]?.[1]);
  if (isAsSent) form.reset();
}

/**
 * A form that makes one call of what its fields hold; a refusal stands below them. Emptied when the call was taken, unless it
 * is one that is asked again with a little changed (`keeps`).
 */
export function ChangeForm({
  change,
  submit,
  verb = "admin",
  onTouch,
  onReload,
  keeps = false,
  children,
}: {
  change: UseMutationResult<unknown, Error, Fields>;
  submit: string;
  verb?: Verb;
  onTouch?: () => void;
  onReload?: () => void;
  keeps?: boolean;
  children: ReactNode;
}) {
  const send = async (form: HTMLFormElement) => {
    const sent = new FormData(form);
    await change.mutateAsync(new Fields(form));
    if (!keeps) empty(form, sent);
  };
  return (
    <form
      className="grid gap-3"
      onInput={onTouch}
      onSubmit={(event) => {
        event.preventDefault();
        // What was refused is shown below.
        void send(event.currentTarget).catch(() => undefined);
      }}
    >
      {children}
      {change.error && <Refusal error={change.error} {...(onReload !== undefined && { onReload })} />}
      <div>
        <Button tone="primary" type="submit" verb={verb} disabled={change.isPending}>
          {submit}
        </Button>
      </div>
    </form>
  );
}

/** A form that opens where its button is. */
export function Disclosure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <details className="min-w-0 rounded-lg border border-line bg-surface">
      <summary className="cursor-pointer px-4 py-3 font-medium">{name}</summary>
      <div className="border-t border-line p-4">{children}</div>
    </details>
  );
}
