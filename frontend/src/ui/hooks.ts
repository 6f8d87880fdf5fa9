// Small hooks: the width of an element, wide or narrow screen, reduced motion, an animated set of numbers.
import { type RefObject, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";

export function useWidth<E extends Element>(): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(Math.floor(element.getBoundingClientRect().width));
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Width and height of an element that the layout gives its size. */
export function useSize<E extends Element>(): [RefObject<E | null>, { width: number; height: number }] {
  const ref = useRef<E>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = ({ width, height }: DOMRectReadOnly): void =>
      setSize({ width: Math.floor(width), height: Math.floor(height) });
    measure(element.getBoundingClientRect());
    const observer = new ResizeObserver(([entry]) => entry && measure(entry.contentRect));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

/** What the browser's tab and its history call this page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Smart Plug AI`;
  }, [title]);
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => matchMedia(query).matches,
  );
}

const onHash = (listener: () => void): (() => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

/** What stands behind the # of the address. A browser that only this part changes for does not load the page anew. */
export const useFragment = (): string => useSyncExternalStore(onHash, () => location.hash.slice(1));

export const useDesktop = (): boolean => useMedia("(min-width: 700px)");

const SETTLE_MS = 600;
const ease = (t: number): number => 1 - (1 - t) ** 3;

export type Numbers = Record<string, number>;

/**
 * Moves numbers to their new values in 600 ms where one changed by more than 3 %; smaller changes just show.
 * With reduced motion everything just shows.
 */
export function useSettled(target: Numbers): Numbers {
  const still = useMedia("(prefers-reduced-motion: reduce)");
  const [shown, setShown] = useState(target);
  const current = useRef(target);
  const key = JSON.stringify(target);

  useEffect(() => {
    const from = current.current;
    const scale = Math.max(...Object.values(target).map(Math.abs), 1e-9);
    const jumps = Object.entries(target).some(([id, value]) => Math.abs(value - (from[id] ?? value)) > 0.03 * scale);
    const show = (numbers: Numbers): void => {
      current.current = numbers;
      setShown(numbers);
    };
    if (still || !jumps || document.hidden) {
      show(target);
      return;
    }
    const begun = performance.now();
    let frame = requestAnimationFrame(function step(time) {
      const t = Math.min(1, Math.max(0, (time - begun) / SETTLE_MS));
      const part = ease(t);
      show(
        Object.fromEntries(
          Object.entries(target).map(([id, value]) => {
            const start = from[id] ?? value;
            return [id, start + (value - start) * part];
          }),
        ),
      );
      if (t < 1) frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [key, still]); // eslint-disable-line react-hooks/exhaustive-deps -- the key stands for the target

  return shown;
}
