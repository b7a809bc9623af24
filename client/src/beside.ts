/**
 * All that a page uses of the client beside the first connection: what a user does, the other tabs, the ways but the
 * WebSocket, and why there was none. One part, loaded while the token is asked for, so that it is there when the network is
 * not.
 */

export * from "./actions.js";
export { joinTabs } from "./tabs.js";
export { explain, openOther } from "./transports/others.js";
