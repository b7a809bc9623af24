import { call } from "./api.js";
import { confirm } from "./dialog.js";

/**
 * Takes back all tokens of a user, if that is meant; whether it was done.
 *
 * @param {string} user
 */
export async function revoke(user) {
  const isMeant = await confirm({
    title: `Revoke all tokens of ${user}?`,
    text: "Every token that was made up to now is good no more, on all instances and for good; all sessions end.",
    action: "Revoke",
  });
  if (isMeant) await call("POST", "/v1/admin/revocations", { user });
  return isMeant;
}

/**
 * Deletes all that is kept of a user, if that is meant; whether it was done.
 *
 * @param {string} user
 */
export async function erase(user) {
  const isMeant = await confirm({
    title: `Erase everything of ${user}?`,
    text:
      "All notifications, mutes, preferences and push subscriptions are deleted, and nothing brings them back. " +
      "The inbox begins anew; tokens stay good, unless they are revoked.",
    action: "Erase",
    typed: user,
  });
  if (isMeant) await call("DELETE", `/v1/admin/users/${encodeURIComponent(user)}`);
  return isMeant;
}
