/** The words of the inbox in German. */

import type { Words } from "./words.js";

export const german: Words = {
  inbox: "Mitteilungen",
  all: "Alle",
  unread: "Ungelesen",
  markAllRead: "Alle als gelesen markieren",
  markRead: "Als gelesen markieren",
  markUnread: "Als ungelesen markieren",
  archive: "Archivieren",
  delete: "Löschen",
  mute: "{type} stummschalten",
  actions: "Aktionen für {title}",
  dismiss: "Schließen",
  more: "Ältere zeigen",
  empty: "Noch nichts da",
  emptyUnread: "Alles gelesen",
  loading: "Wird geladen…",
  offline: "Nicht verbunden",
  failed: "Das ging nicht: {reason}",
  fresh: { one: "{n} neue Mitteilung", other: "{n} neue Mitteilungen" },
  badge: { zero: "Mitteilungen", one: "Mitteilungen, {n} neue", other: "Mitteilungen, {n} neue" },
  pushAsk: "Davon hören, wenn diese Seite geschlossen ist?",
  pushYes: "Ja, bitte",
  pushNo: "Nicht jetzt",
  pushInstall: "Um davon zu hören, wenn diese Seite geschlossen ist, lege sie zuerst auf den Home-Bildschirm.",
};
