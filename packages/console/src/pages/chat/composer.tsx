import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { Button, Failure } from "../../ui/parts.tsx";

/** A message to an agent. What was typed is kept until the daemon has taken it, and what is typed meanwhile is the next. */
export function Composer({
  onSend,
  placeholder = "Enter sends, Shift and Enter is a new line",
}: {
  onSend: (text: string) => Promise<unknown>;
  placeholder?: string;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  const send = useMutation({
    mutationFn: onSend,
    onSuccess: (_answer, sent) => {
      if (field.current?.value.trim() === sent) field.current.value = "";
    },
  });
  const submit = () => {
    const text = field.current?.value.trim() ?? "";
    if (text !== "" && !send.isPending) send.mutate(text);
  };
  return (
    <form
      className="print:hidden sticky bottom-0 grid gap-2 bg-canvas py-3"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {send.error && <Failure error={send.error} />}
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          aria-label="Message"
          placeholder={placeholder}
          rows={2}
          className="min-w-0 flex-1 rounded-md border border-line bg-surface p-3"
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            submit();
          }}
        />
        <Button tone="primary" type="submit" disabled={send.isPending}>
          Send
        </Button>
      </div>
    </form>
  );
}
