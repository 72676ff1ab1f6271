import type { Verb } from "@kheish/sdk";
import type { UseMutationResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
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
  // As it was when it was asked: what is confirmed is what stood there then, also when the page hears of news meanwhile.
  const [asked, setAsked] = useState<typeof input>();
  const isOpen = asked !== undefined;
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  // Closed by itself and then taken away: so the focus is back where it was.
  const close = () => dialog.current?.close();
  const closed = () => {
    setAsked(undefined);
    change.reset();
  };
  return (
    <>
      <Button tone={tone} verb={verb} onClick={() => setAsked(() => input)}>
        {name}
      </Button>
      {isOpen && (
        <dialog
          ref={dialog}
          onClose={closed}
          aria-labelledby={title}
          className="m-auto w-[min(32rem,calc(100vw-2rem))] rounded-lg border border-line bg-surface p-5 text-ink backdrop:bg-black/50"
        >
          <form
            className="grid gap-3 text-left"
            onSubmit={(event) => {
              event.preventDefault();
              change.mutateAsync(asked(event.currentTarget)).then(close, () => undefined);
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
      )}
    </>
  );
}
