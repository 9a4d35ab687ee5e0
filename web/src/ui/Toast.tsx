import { X } from "lucide-react";
import { Toast as Radix } from "radix-ui";
import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from "react";
import { t } from "../messages/t";
import { Button } from "./Button";
import { IconButton } from "./IconButton";
import css from "./Toast.module.css";

/** A short word on what was done, with a way to take it back if there is one. */
export interface ToastContent {
  readonly text: string;
  readonly action?: { readonly label: string; readonly onSelect: () => void };
}

/** Says something at the page's foot for a while. */
export type Say = (toast: ToastContent) => void;

interface Shown extends ToastContent {
  readonly id: number;
}

/** How long one stays, in milliseconds; longer when it can be acted on. The pointer or the focus on it stops the clock. */
const stay = 5_000;
const stayWithAction = 10_000;

const Context = createContext<Say>(() => undefined);

/** The way to say something; without a provider it is said to nobody. */
export const useToast = () => useContext(Context);

/** Holds the toasts of all that is in it. Two at most are shown, the newer one nearer. */
export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const last = useRef(0);
  const say = useCallback<Say>((toast) => {
    const id = ++last.current;
    setToasts((now) => [...now.slice(-1), { ...toast, id }]);
  }, []);
  const drop = (id: number) => {
    setToasts((now) => now.filter((toast) => toast.id !== id));
  };
  return (
    <Context value={say}>
      <Radix.Provider label={t.toast.label} swipeDirection="down">
        {children}
        {toasts.map(({ id, text, action }) => (
          <Radix.Root
            key={id}
            className={css.toast}
            duration={action === undefined ? stay : stayWithAction}
            onOpenChange={() => {
              drop(id);
            }}
          >
            <Radix.Description className={css.text}>{text}</Radix.Description>
            {action !== undefined && (
              <Radix.Action asChild altText={action.label}>
                <Button className={css.action} onClick={action.onSelect}>
                  {action.label}
                </Button>
              </Radix.Action>
            )}
            <Radix.Close asChild>
              <IconButton className={css.close} label={t.toast.close}>
                <X size={16} aria-hidden="true" />
              </IconButton>
            </Radix.Close>
          </Radix.Root>
        ))}
        <Radix.Viewport className={css.viewport} label={t.toast.region} />
      </Radix.Provider>
    </Context>
  );
}
