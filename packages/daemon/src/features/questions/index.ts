export { questionBindings } from "./http.ts";
export { QuestionService } from "./service.ts";
