import { afterEach, expect, test, vi } from "vitest";
import { pageSignals } from "./signals.js";

afterEach(() => void vi.unstubAllGlobals());

test("[CLIENT-7] a page tells when it is offline, online again, or looked at again, until nobody listens", () => {
  const [window, document, navigator] = [
    new EventTarget(),
    Object.assign(new EventTarget(), { visibilityState: "hidden" }),
    { onLine: false },
  ];
  vi.stubGlobal("window", window);
  vi.stubGlobal("document", document);
  vi.stubGlobal("navigator", navigator);
  const signals = pageSignals();
  const told: string[] = [];
  const stop = signals.subscribe((signal) => told.push(signal));
  window.dispatchEvent(new Event("offline"));
  expect(signals.isOffline()).toBe(true);
  navigator.onLine = true;
  window.dispatchEvent(new Event("online"));
  expect(signals.isOffline()).toBe(false);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(told).toEqual(["offline", "back"]);
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(told).toEqual(["offline", "back", "back"]);
  stop();
  window.dispatchEvent(new Event("offline"));
  expect(told).toHaveLength(3);
});

test("[CLIENT-7] where there is no page nothing is told, and the machine counts as online", () => {
  const signals = pageSignals();
  expect(signals.isOffline()).toBe(false);
  signals.subscribe(() => undefined)();
});
