import { BudgetDeleted, BudgetList, BudgetView, CreateBudgetRequest, SetBudgetRequest } from "../budgets.ts";
import { define } from "./parts.ts";

const budget = "/v1/runtime/budgets/{budget_id}";

export const budgetsEndpoints = define({
  listBudgets: {
    method: "GET",
    path: "/v1/runtime/budgets",
    tag: "budgets",
    summary: "What the daemon's work may use, and has used",
    access: "admin",
    responses: { 200: BudgetList },
  },
  createBudget: {
    method: "POST",
    path: "/v1/runtime/budgets",
    tag: "budgets",
    summary: "Set a budget that is not there yet",
    access: "admin",
    body: CreateBudgetRequest,
    responses: { 201: BudgetView },
  },
  getBudget: {
    method: "GET",
    path: budget,
    tag: "budgets",
    summary: "One budget",
    access: "admin",
    responses: { 200: BudgetView },
  },
  setBudget: {
    method: "PUT",
    path: budget,
    tag: "budgets",
    summary: "Set or replace a budget; what was used stays unless its scope or window changes",
    access: "admin",
    body: SetBudgetRequest,
    responses: { 200: BudgetView, 201: BudgetView },
  },
  deleteBudget: {
    method: "DELETE",
    path: budget,
    tag: "budgets",
    summary: "Remove a budget; runs that wait for it go on",
    access: "admin",
    responses: { 200: BudgetDeleted },
  },
});
