import type { JsonObject } from "@kheish/contract";

export const REPORT_FILE = "kheish-tour.md";
export const DOCUMENTS = "**/*.{md,mdx,rst,txt,adoc}";
export const SOURCES = "**/*.{ts,tsx,js,jsx,mjs,py,go,rs,java,kt,rb,php,c,h,cc,cpp,cs,swift,sh,sql}";
export const READMES = "{README,Readme,readme}*";

/** What the tour searches for, all in one turn. */
export const SEARCHES = [
  { title: "Headings", pattern: "^#{1,2} \\S" },
  {
    title: "Definitions",
    pattern: "^\\s*(export |pub |public |async )*(function|class|def|fn|func|interface) \\w+",
  },
  { title: "Tests", pattern: "\\b(test|it|describe)\\(|def test_|#\\[test\\]" },
  { title: "Open ends", pattern: "\\b(TODO|FIXME|XXX)\\b" },
] as const;

export const SHORT_OPTION = "short";

export const REPORT_QUESTION: JsonObject = {
  id: "format",
  header: "Report",
  question: "Which kind of report should I write?",
  options: [
    { id: SHORT_OPTION, label: "Short", description: "What is here, in a few lines." },
    {
      id: "detailed",
      label: "Detailed",
      description: "With the files and the lines that the searches found.",
    },
  ],
  multi_select: false,
};
