import { useCallback, useState } from "react";
import { loadIdentity, saveIdentity, type Identity } from "./identity";

const deviceStore = () => window.localStorage;

/** This device's identity, and a way to change it; null until somebody has given a name. */
export function useIdentity(): [Identity | null, (next: Identity) => void] {
  const [identity, setIdentity] = useState(() => loadIdentity(deviceStore));
  const change = useCallback((next: Identity) => {
    saveIdentity(deviceStore, next);
    setIdentity(next);
  }, []);
  return [identity, change];
}
