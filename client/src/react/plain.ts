/**
 * Hooks for a socket, an event stream or a poll of one's own, that need no tidings server. By the names that older code
 * uses; a new function or options object never connects anew, and a back-off ends with the first success.
 */

import { useCallback, useEffect, useRef, useState } from "react";
import { useLatest } from "./latest.js";

export interface WebSocketOptions {
  onMessage?: (data: unknown) => void;
  onOpen?: () => void;
  onClose?: (event: CloseEvent) => void;
  onError?: (event: globalThis.Event) => void;
  /** Default: true. */
  reconnect?: boolean;
  /** Around so many ms; default: 3000. It doubles with each attempt in vain, up to ten times as long. */
  reconnectInterval?: number;
}

/** A WebSocket that talks JSON; `lastMessage` is parsed, and the text itself where it is none. */
export function useWebSocket<T = unknown>(
  url: string | null,
  options: WebSocketOptions = {},
): { isConnected: boolean; lastMessage: T | null; sendMessage: (data: unknown) => boolean } {
  const [isConnected, setConnected] = useState(false);
  const [lastMessage, setLastMessage] = useState<T | null>(null);
  const latest = useLatest(options);
  const socket = useRef<WebSocket | null>(null);
  useEffect(() => {
    if (url === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let isGone = false;
    const open = () => {
      const opened = new WebSocket(url);
      socket.current = opened;
      opened.onopen = () => {
        failures = 0;
        setConnected(true);
        latest.current.onOpen?.();
      };
      opened.onmessage = ({ data }) => {
        const message = parsed(data);
        setLastMessage(message as T);
        latest.current.onMessage?.(message);
      };
      opened.onerror = (event) => latest.current.onError?.(event);
      opened.onclose = (event) => {
        if (isGone) return;
        setConnected(false);
        latest.current.onClose?.(event);
        const { reconnect = true, reconnectInterval = 3000 } = latest.current;
        if (reconnect) timer = setTimeout(open, jitter(reconnectInterval * Math.min(2 ** failures++, 10)));
      };
    };
    open();
    return () => {
      isGone = true;
      clearTimeout(timer);
      socket.current?.close();
      socket.current = null;
      setConnected(false);
    };
  }, [url, latest]);
  /** Whether it was sent: only what is open takes anything. */
  const sendMessage = useCallback((data: unknown): boolean => {
    const isOpen = socket.current?.readyState === 1;
    if (isOpen) socket.current?.send(JSON.stringify(data));
    return isOpen;
  }, []);
  return { isConnected, lastMessage, sendMessage };
}

/** An event stream that talks JSON. The browser comes back by itself; where it gives up, so that `error` says so. */
export function useSSE<T = unknown>(url: string | null): { data: T | null; error: Error | null; isConnected: boolean } {
  const [state, setState] = useState<{ data: T | null; error: Error | null; isConnected: boolean }>(NOTHING);
  useEffect(() => {
    if (url === null) return;
    const set = (part: Partial<typeof state>) => setState((before) => ({ ...before, ...part }));
    const source = new EventSource(url);
    source.onopen = () => set({ isConnected: true, error: null });
    source.onmessage = ({ data }) => {
      try {
        set({ data: JSON.parse(data), error: null });
      } catch {
        set({ error: new Error("an event is not JSON") });
      }
    };
    source.onerror = () =>
      set({
        isConnected: false,
        error: new Error(source.readyState === 2 ? "the stream was refused" : "the stream was lost"),
      });
    return () => {
      source.close();
      setState(NOTHING);
    };
  }, [url]);
  return state;
}

const NOTHING = { data: null, error: null, isConnected: false };

export interface PollingOptions {
  /** From the end of one to the next, in ms; default: 5000. */
  interval?: number;
  /** Default: true. */
  enabled?: boolean;
  onError?: (error: Error) => void;
}

/** Asks again and again, one request at a time. `fetcher` may be a new function each time: nothing begins anew. */
export function usePolling<T>(
  fetcher: (signal: AbortSignal) => Promise<T>,
  { interval = 5000, enabled = true, onError }: PollingOptions = {},
): { data: T | null; isLoading: boolean; error: Error | null } {
  return useRepeated(fetcher, { enabled, onError, wait: () => interval });
}

/** The same that waits longer after each failure: 1 s, 2 s, up to 30 s, with jitter; and 1 s again after a success. */
export function usePollingWithBackoff<T>(
  fetcher: (signal: AbortSignal) => Promise<T>,
  { enabled = true, onError, interval = 1000 }: PollingOptions = {},
): { data: T | null; isLoading: boolean; error: Error | null } {
  return useRepeated(fetcher, {
    enabled,
    onError,
    wait: (failures) => (failures === 0 ? interval : Math.min(jitter(interval * 2 ** failures), 30_000)),
  });
}

interface Repeating {
  enabled: boolean;
  onError: ((error: Error) => void) | undefined;
  /** Until the next one, after so many failures in a row. */
  wait: (failures: number) => number;
}

function useRepeated<T>(fetcher: (signal: AbortSignal) => Promise<T>, options: Repeating) {
  const [state, setState] = useState<{ data: T | null; isLoading: boolean; error: Error | null }>({
    data: null,
    isLoading: true,
    error: null,
  });
  const latest = useLatest({ fetcher, ...options });
  const { enabled } = options;
  useEffect(() => {
    if (!enabled) {
      setState((before) => ({ ...before, isLoading: false }));
      return;
    }
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const ask = async () => {
      try {
        const data = await latest.current.fetcher(controller.signal);
        if (controller.signal.aborted) return;
        failures = 0;
        setState({ data, isLoading: false, error: null });
      } catch (cause) {
        if (controller.signal.aborted) return;
        failures += 1;
        const error = cause instanceof Error ? cause : new Error(String(cause));
        setState((before) => ({ ...before, isLoading: false, error }));
        latest.current.onError?.(error);
      }
      timer = setTimeout(ask, latest.current.wait(failures));
    };
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [enabled, latest]);
  return state;
}

function parsed(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return data;
  }
}

/** Between half of it and one and a half, so that many do not come back at once. */
function jitter(time: number): number {
  return time * (0.5 + Math.random());
}
