export * from "../../client/src/index.js";
