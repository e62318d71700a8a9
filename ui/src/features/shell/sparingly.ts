/** Does it at once, and then at most once in so many milliseconds however often it is asked for. */
export function sparingly(ms: number, act: () => void): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    act();
  };
}
