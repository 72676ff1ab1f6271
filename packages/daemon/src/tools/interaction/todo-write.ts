import { z } from "zod";
import type { Tool } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { success } from "../outcome.ts";

const Todo = z.strictObject({
  id: z.string().min(1).optional().describe("Keep it to keep an item's identity. Default: todo-{n}."),
  content: z.string().trim().min(1).describe("What is to be done."),
  completed: z.boolean().default(false),
});

const TodoWriteInput = z.strictObject({
  todos: z
    .array(Todo)
    .superRefine((todos, context) => {
      const seen = new Set<string>();
      for (const [index, { id }] of todos.entries()) {
        if (id === undefined) continue;
        if (seen.has(id))
          context.addIssue({ code: "custom", path: [index, "id"], message: `'${id}' is given twice` });
        seen.add(id);
      }
    })
    .describe("The whole list: it replaces the one before."),
});

export function todoWriteTool(): Tool {
  return defineTool({
    name: "todo_write",
    description:
      "Replaces the session's todo list. Give every item that shall stay, in order; an empty list clears it.",
    schema: TodoWriteInput,
    effect: "idempotent",
    timeoutMs: 10_000,
    sandbox: "inherited",
    allowsParallel: false,
    boundary: "internal",
    async execute(input) {
      const todos = withIds(input.todos);
      return success({ todos }, { state: { type: "todos", todos } });
    },
  });
}

/** `todo-{n}` by place in the list, or the next number that is free. */
function withIds(
  todos: readonly z.output<typeof Todo>[],
): { id: string; content: string; completed: boolean }[] {
  const taken = new Set(todos.map((todo) => todo.id));
  return todos.map(({ id, content, completed }, index) => {
    let number = index + 1;
    while (id === undefined && taken.has(`todo-${number}`)) number += 1;
    const chosen = id ?? `todo-${number}`;
    taken.add(chosen);
    return { id: chosen, content, completed };
  });
}
