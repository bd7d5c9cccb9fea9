let handler: (() => void) | undefined;

/** From now on a hang-up is that function's, and ends nothing. Undefined: it ends the command, as other signals do. */
export function onHangUp(next: (() => void) | undefined): void {
  handler = next;
}

/** SIGHUP came. Whether it has been seen to. */
export function hangUp(): boolean {
  handler?.();
  return handler !== undefined;
}
