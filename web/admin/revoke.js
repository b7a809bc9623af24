import { call } from "./api.js";
import { confirm } from "./dialog.js";

/** Takes back all tokens of a user, if that is meant; whether it was done. */
export async function revoke(user) {
  const isMeant = await confirm({
    title: `Revoke all tokens of ${user}?`,
    text: "Every token that was made up to now is good no more, on all instances and for good; all sessions end.",
    action: "Revoke",
  });
  if (isMeant) await call("POST", "/v1/admin/revocations", { user });
  return isMeant;
}
