import type { UseMutationResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ChangeForm, type Fields } from "./form.tsx";
import type { Untouched } from "./use-untouched.ts";

/** A form that replaces a record with revisions: what is typed stays until it was taken, or is given up for what there is now. */
export function RevisedForm<T extends { revision?: number | undefined }>({
  of: { shown, touch, release },
  change,
  submit,
  onReload,
  children,
}: {
  of: Untouched<T>;
  change: UseMutationResult<unknown, Error, Fields>;
  submit: string;
  onReload: () => void;
  children: ReactNode;
}) {
  const reload = () => {
    release();
    change.reset();
    onReload();
  };
  return (
    <ChangeForm key={shown.revision} change={change} submit={submit} onTouch={touch} onReload={reload}>
      {children}
    </ChangeForm>
  );
}
