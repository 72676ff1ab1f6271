import type { InputHTMLAttributes } from "react";

export function Field({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="grid gap-1 font-medium">
      {label}
      <input
        autoComplete="off"
        spellCheck={false}
        className="rounded-md border border-line bg-canvas px-3 py-2 font-mono font-normal"
        {...rest}
      />
    </label>
  );
}
