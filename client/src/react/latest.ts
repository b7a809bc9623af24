/** What an effect calls without depending on it. */

import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";

/** On a server there is no layout, and React says so. */
const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

/** Holds the newest value, so that a new function or options object starts nothing anew. */
export function useLatest<T>(value: T): RefObject<T> {
  const ref = useRef(value);
  useBeforePaint(() => {
    ref.current = value;
  });
  return ref;
}
