/** At most one in an interval; of those that come sooner the last one follows at its end. */
export function paced<T>(intervalMs: number, use: (value: T) => void): (value: T) => void {
  let isHeld = false;
  let next: (() => void) | null = null;
  const begin = (value: T) => {
    isHeld = true;
    setTimeout(() => {
      isHeld = false;
      const waiting = next;
      next = null;
      waiting?.();
    }, intervalMs);
    use(value);
  };
  return (value) => {
    if (isHeld) next = () => begin(value);
    else begin(value);
  };
}
