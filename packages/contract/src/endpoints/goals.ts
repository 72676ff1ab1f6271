import { GoalResponse, PatchGoalRequest, SetGoalRequest } from "../goals.ts";
import { define, session } from "./parts.ts";

export const goalsEndpoints = define({
  getGoal: {
    method: "GET",
    path: `${session}/goal`,
    tag: "goals",
    summary: "The session's goal; {} when it has none",
    access: "read",
    responses: { 200: GoalResponse },
  },
  createGoal: {
    method: "POST",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Give the session a goal; an active one is worked on while the session is idle",
    access: "admin",
    body: SetGoalRequest,
    responses: { 200: GoalResponse },
  },
  replaceGoal: {
    method: "PUT",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Give the session another goal, with a new id and nothing used",
    access: "admin",
    body: SetGoalRequest,
    responses: { 200: GoalResponse },
  },
  patchGoal: {
    method: "PATCH",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Change the goal that the caller has seen",
    access: "admin",
    body: PatchGoalRequest,
    responses: { 200: GoalResponse },
  },
  clearGoal: {
    method: "DELETE",
    path: `${session}/goal`,
    tag: "goals",
    summary: "Remove the goal",
    access: "admin",
    responses: { 200: GoalResponse },
  },
});
