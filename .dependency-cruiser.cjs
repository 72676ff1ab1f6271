/** The layers of the house: imports point down only. */
const daemon = "^packages/daemon/src";
/** What knows every layer: the parts put together, what the machine has for them, and what commands do without a daemon. */
const root = "(main|compose|opening|offline|archives)";
const layer = (name, from, forbidden, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to: { path: forbidden },
});

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment:
        "Nobody can read two files of a circle one after the other, be it of types only: move what both know to where it belongs.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    layer(
      "kernel-is-the-ground",
      `${daemon}/kernel/`,
      `${daemon}/(engine|model|tools|governance|features|surface|${root})`,
      "The kernel knows nothing about agents, models or HTTP.",
    ),
    layer(
      "engine-knows-ports-only",
      `${daemon}/engine/`,
      `${daemon}/(model|tools|governance|features|surface|${root})`,
      "The engine reaches models, tools and authority through its own ports.",
    ),
    layer(
      "ports-do-not-climb",
      `${daemon}/(model|tools|governance)/`,
      `${daemon}/(features|surface|${root})`,
      "Adapters implement engine ports; they never reach up.",
    ),
    layer(
      "features-do-not-climb",
      `${daemon}/features/`,
      `${daemon}/(surface|${root})`,
      "A feature binds endpoints with what surface/http gives it by argument.",
    ),
    layer(
      "main-is-the-root",
      `${daemon}/surface/(http|mcp)/`,
      `${daemon}/${root}`,
      "Only the command line starts main.",
    ),
    layer(
      "composing-opens-nothing",
      `${daemon}/compose`,
      `${daemon}/(main|opening|offline|archives)`,
      "What a daemon is made of comes in by argument: the simulation brings its own.",
    ),
    layer(
      "opening-composes-nothing",
      `${daemon}/opening/`,
      `${daemon}/(main|compose\\.ts|offline)`,
      "Main composes what was opened.",
    ),
    {
      name: "features-meet-at-the-door",
      comment: "A feature imports another feature's index.ts only.",
      severity: "error",
      from: { path: `${daemon}/features/([^/]+)/`, pathNot: "\\.test\\.ts$" },
      to: { path: `${daemon}/features/([^/]+)/`, pathNot: [`${daemon}/features/$1/`, "/index\\.ts$"] },
    },
    layer(
      "contract-has-no-io",
      "^packages/contract/src",
      "^(packages/daemon|node:)",
      "The contract runs anywhere.",
    ),
    {
      name: "sdk-knows-the-contract",
      comment: "The SDK runs anywhere too.",
      severity: "error",
      from: { path: "^packages/sdk/src" },
      to: { pathNot: "^packages/(sdk|contract)/src" },
    },
    {
      name: "sdk-carries-nothing",
      comment:
        "Of the contract the SDK takes the types, and the one file that needs nothing: a browser loads no schemas.",
      severity: "error",
      from: { path: "^packages/sdk/src" },
      to: {
        path: "^packages/contract/src",
        pathNot: "/event-stream\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "event-stream-needs-nothing",
      comment: "The SDK carries it into browsers, and the command line loads it beside no schemas.",
      severity: "error",
      from: { path: "^packages/contract/src/event-stream\\.ts$" },
      to: { path: "." },
    },
    {
      name: "console-uses-the-sdk",
      comment: "What the console can do, everybody can.",
      severity: "error",
      from: { path: "^packages/console/src" },
      to: { path: "^packages/(contract|daemon)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // What was built is not what is written.
    exclude: { path: "^packages/[^/]+/dist/" },
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
