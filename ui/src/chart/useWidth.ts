import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The width of an element in whole pixels; 0 until it is laid out. */
export function useWidth<E extends HTMLElement>(): [RefObject<E | null>, Signal<number>] {
  const element = useRef<E>(null);
  const width = useSignal(0);
  useLayoutEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => entry && (width.value = Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    width.value = Math.floor(element.current.clientWidth);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
