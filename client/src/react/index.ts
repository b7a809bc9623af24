/** `tidings/react`: the inbox and rooms as hooks, for React 18 and 19, and an inbox to put on a page. */

export { type Item, itemOf } from "../view/item.js";
export { english, type Phrase, type Word, type Words } from "../view/words.js";
export { type ProviderProps, TidingsProvider, useSnapshot, useTidings } from "./context.js";
export { Inbox, type InboxProps } from "./Inbox.js";
export {
  type NotificationFilter,
  type Notifications,
  useNotification,
  useNotifications,
  useStatus,
  useUnread,
  useUnseen,
} from "./notifications.js";
export {
  type PollingOptions,
  usePolling,
  usePollingWithBackoff,
  useSSE,
  useWebSocket,
  type WebSocketOptions,
} from "./plain.js";
export { type RoomHandle, usePresence, useRoom, useTyping } from "./rooms.js";
export {
  type MutesHandle,
  type PreferencesHandle,
  type PushHandle,
  useMutes,
  usePreferences,
  usePush,
} from "./settings.js";
