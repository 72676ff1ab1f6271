/**
 * The daemon's own console is nobody's guest (08, Static serving). A name that was rebound to this address passes here
 * too: without auth the host guard has refused it by now, with auth it has no token.
 */
export function isOwnPage(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
