/** Names in an address behind which a token or a share link's secret stands. */
const names = ["token", "link"];

/** An address taken apart: what grants access, and the address without it. */
export interface Grant {
  readonly token: string | null;
  readonly rest: string;
}

/**
 * Finds a token or a share link in an address, in its fragment (which browsers send to nobody) or,
 * for links that others have made, in its query.
 */
export function grantIn(address: string): Grant {
  const url = new URL(address);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const inFragment = take(fragment);
  const inQuery = take(url.searchParams);
  if (inFragment !== null) url.hash = fragment.toString();
  const found = inFragment ?? inQuery;
  return found === null ? { token: null, rest: address } : { token: found === "" ? null : found, rest: url.href };
}

/** Takes what grants access out of a part of an address; null if there is nothing of the kind. */
function take(part: URLSearchParams): string | null {
  let found: string | null = null;
  for (const name of names) {
    found ??= part.get(name);
    part.delete(name);
  }
  return found;
}

/**
 * Takes what grants access out of the page's address and its history entry: addresses are shared,
 * bookmarked and looked at.
 */
export function takeGrant(): string | null {
  const { token, rest } = grantIn(window.location.href);
  if (rest !== window.location.href) window.history.replaceState(window.history.state, "", rest);
  return token;
}
