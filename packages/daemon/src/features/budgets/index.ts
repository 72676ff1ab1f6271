export { budgetBindings } from "./http.ts";
export { budgetsStatus, usesAt } from "./view.ts";
