const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls `start`, and takes away the signal handlers that it installs before it returns: they would end the process before
 * anything else is cleaned up.
 */
export function keepingSignals<T>(start: () => T): T {
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const started = start();
  for (const [index, signal] of SIGNALS.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.includes(listener)) process.off(signal, listener);
    }
  }
  return started;
}
