import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Identity } from "../identity/identity";
import { serverAddress, Session } from "../session/session";
import type { SessionState } from "../session/state";

/** A session in a document for as long as the component is shown. */
export function useSession(name: string, identity: Identity): SessionState {
  const session = useMemo(
    () => new Session(serverAddress(window.location), name, identity),
    [name, identity],
  );
  useEffect(() => session.open(), [session]);
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (session.mayLoseEdits()) event.preventDefault(); // the browser asks: leave, or stay?
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
    };
  }, [session]);
  return useSyncExternalStore(session.subscribe, session.getState);
}
