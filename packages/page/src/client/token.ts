const KEY = 'blockyard-token';

/** The token behind `#token=` of the address, kept for this tab and taken out of the address, which people show and share. */
export function takeToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    sessionStorage.setItem(KEY, token);
    history.replaceState(null, '', `${location.pathname}${location.search}`);
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}
