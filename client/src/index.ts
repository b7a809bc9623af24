/** The npm package `tidings`: the client of the notification server of that name. */

export { createTidings } from "./client.js";
export { AuthError, TidingsError } from "./errors.js";
export type * from "./types.js";
