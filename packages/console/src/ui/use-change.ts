import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";

/** One call that changes something, after which what it may have changed is read again, whatever became of it. */
export function useChange<Input = void, Answer = unknown>(
  call: (input: Input) => Promise<Answer>,
  { stale, onDone }: { stale: readonly string[]; onDone?: (answer: Answer) => void },
): UseMutationResult<Answer, Error, Input> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: call,
    onSuccess: (answer) => onDone?.(answer),
    onSettled: () => Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}
