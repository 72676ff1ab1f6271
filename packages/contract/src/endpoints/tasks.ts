import { listOf } from "../pagination.ts";
import { StopTaskRequest, TaskListQuery, TaskOutputQuery, TaskOutputView, TaskRecord } from "../tasks.ts";
import { define, session } from "./parts.ts";

export const tasksEndpoints = define({
  listTasks: {
    method: "GET",
    path: `${session}/tasks`,
    tag: "tasks",
    summary: "Tasks of a session, background commands among them",
    access: "read",
    query: TaskListQuery,
    responses: { 200: listOf(TaskRecord) },
  },
  getTask: {
    method: "GET",
    path: `${session}/tasks/{task_id}`,
    tag: "tasks",
    summary: "One task",
    access: "read",
    responses: { 200: TaskRecord },
  },
  taskOutput: {
    method: "GET",
    path: `${session}/tasks/{task_id}/output`,
    tag: "tasks",
    summary: "What a task has brought so far",
    access: "read",
    query: TaskOutputQuery,
    responses: { 200: TaskOutputView },
  },
  stopTask: {
    method: "POST",
    path: `${session}/tasks/{task_id}/stop`,
    tag: "tasks",
    summary: "Stop a task; a command that does not end at once is still in_progress, with stop_requested",
    access: "admin",
    body: StopTaskRequest,
    bodyOptional: true,
    responses: { 200: TaskRecord },
  },
});
