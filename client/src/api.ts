/** Calls that are nothing but calls. */

import type { Http } from "./http.js";
import type { Mutes, PreferencesApi } from "./types.js";
import type { Mute } from "./wire.js";

export function newMutes(http: Http): Mutes {
  const path = (pattern: string) => `mutes/${encodeURIComponent(pattern)}`;
  return {
    list: async () => (await http.json<{ mutes: Mute[] }>("mutes")).mutes,
    add: (pattern, { until } = {}) => http.json(path(pattern), { method: "PUT", body: { until: until ?? null } }),
    remove: async (pattern) => void (await http.send(path(pattern), { method: "DELETE" })),
  };
}

export function newPreferences(http: Http): PreferencesApi {
  return {
    get: () => http.json("preferences"),
    set: (preferences) => http.json("preferences", { method: "PUT", body: preferences }),
  };
}
