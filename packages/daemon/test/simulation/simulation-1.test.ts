import { simulationPart } from "./suite.ts";

simulationPart(0);
