import type { Verb } from "@kheish/sdk";
import type { UseMutationResult } from "@tanstack/react-query";
import { type ReactNode, useId, useRef } from "react";
import { Button } from "./parts.tsx";
import { Refusal } from "./refusal.tsx";

/** A button for what cannot be taken back lightly: it says what will happen and asks. */
export function ConfirmButton<Input>({
  name,
  what,
  children,
  change,
  input,
  verb = "admin",
  tone = "danger",
}: {
  name: string;
  /** The question, as the dialog's title. */
  what: string;
  /** What it leads to; may hold fields that `input` reads. */
  children?: ReactNode;
  change: UseMutationResult<unknown, Error, Input>;
  input: (form: HTMLFormElement) => Input;
  verb?: Verb;
  tone?: "plain" | "danger";
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const close = () => {
    dialog.current?.close();
    change.reset();
  };
  return (
    <>
      <Button tone={tone} verb={verb} onClick={() => dialog.current?.showModal()}>
        {name}
      </Button>
      <dialog
        ref={dialog}
        aria-labelledby={title}
        className="m-auto w-[min(32rem,calc(100vw-2rem))] rounded-lg border border-line bg-surface p-5 text-ink backdrop:bg-black/50"
      >
        <form
          className="grid gap-3 text-left"
          onSubmit={(event) => {
            event.preventDefault();
            change.mutateAsync(input(event.currentTarget)).then(close, () => undefined);
          }}
        >
          <h2 id={title} className="text-lg font-semibold wrap-anywhere">
            {what}
          </h2>
          {children}
          {change.error && <Refusal error={change.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Leave it</Button>
            <Button
              tone={tone === "danger" ? "danger" : "primary"}
              verb={verb}
              type="submit"
              disabled={change.isPending}
            >
              {name}
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
