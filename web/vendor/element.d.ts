export * from "../../client/src/element/index.js";
