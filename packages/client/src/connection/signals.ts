/** What the machine tells of its network, and the page of being looked at. */
export interface Signals {
  isOffline(): boolean;
  /** `back`: online again, or looked at again. Returns the way to stop. */
  subscribe(listener: (signal: "offline" | "back") => void): () => void;
}

/** Where there is no page (in Node) nothing is told, and the machine counts as online. */
export function pageSignals(): Signals {
  if (typeof window === "undefined" || typeof window.addEventListener !== "function") {
    return { isOffline: () => false, subscribe: () => () => undefined };
  }
  return {
    isOffline: () => navigator.onLine === false,
    subscribe(listener) {
      const offline = () => listener("offline");
      const online = () => listener("back");
      const visible = () => {
        if (document.visibilityState === "visible") listener("back");
      };
      window.addEventListener("offline", offline);
      window.addEventListener("online", online);
      document.addEventListener("visibilitychange", visible);
      return () => {
        window.removeEventListener("offline", offline);
        window.removeEventListener("online", online);
        document.removeEventListener("visibilitychange", visible);
      };
    },
  };
}
