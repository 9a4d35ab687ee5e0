import { Component, lazy, Suspense, useMemo, type ReactNode } from "react";
import { useBrowserLocation } from "wouter/use-browser-location";
import { useAccess } from "./access/useAccess";
import css from "./App.module.css";
import { documentName, documentPath } from "./document/name";
import { StartPage } from "./document/StartPage";
import { knownIdentity, type Identity } from "./identity/identity";
import { useIdentity } from "./identity/useIdentity";
import { t } from "./messages/t";
import { Button } from "./ui/Button";

// The editor is most of the page's code; the start needs none of it.
const DocumentPage = lazy(() => import("./document/DocumentPage"));

/** The page for the present address. */
export function App() {
  return (
    <Failsafe>
      <Route />
    </Failsafe>
  );
}

// The path is read as it is: a router that decodes it would take an escaped "%" in a name for the
// beginning of another escape.
function Route() {
  const [path, go] = useBrowserLocation();
  const [own, setIdentity] = useIdentity();
  const name = documentName(path);
  const admission = useAccess(name);
  const access = admission.kind === "admitted" ? admission.access : null;
  const identity = useMemo(() => (access === null ? own : knownIdentity(access, own)), [access, own]);

  const join = (next: Identity, document: string) => {
    setIdentity(next);
    go(documentPath(document));
  };

  if (path === "/") return <StartPage identity={identity} onJoin={join} />;
  if (name === null) return <Message text={t.notFound} />;
  if (admission.kind === "asking") return null;
  if (admission.kind === "refused") {
    return <Message text={t.noAccess(name)} more={admission.reason === "" ? t.howToAccess : t.accessRefused(admission.reason)} />;
  }
  if (identity === null) return <StartPage identity={null} document={name} onJoin={setIdentity} />;
  return (
    <Suspense fallback={null}>
      <DocumentPage key={name} name={name} identity={identity} mayShare={admission.access.mayShare} />
    </Suspense>
  );
}

interface MessageProps {
  readonly text: string;
  readonly more?: string;
  readonly action?: ReactNode;
}

function Message({ text, more, action }: MessageProps) {
  return (
    <main className={css.message}>
      <title>{t.product}</title>
      <h1 className={css.text}>{text}</h1>
      {more !== undefined && <p className={css.more}>{more}</p>}
      {action ?? <a href="/">{t.toStart}</a>}
    </main>
  );
}

/** Shows a way on when a part of the page throws. React offers this to classes only. */
class Failsafe extends Component<{ readonly children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const reload = (
      <Button
        look="main"
        onClick={() => {
          window.location.reload();
        }}
      >
        {t.reload}
      </Button>
    );
    return <Message text={t.broken} action={reload} />;
  }
}
