import { type FormEvent, type ReactElement, useState } from "react";
import { TidingsProvider, useStatus } from "tidings/react";
import { Bell } from "tidings/react/bell";
import { Chat } from "./Chat.js";

interface Session {
  readonly url: string;
  readonly token: string;
}

/** Asks who it is, as an application's own sign-in would, and shows the chat. */
export function App(): ReactElement {
  const [session, setSession] = useState<Session | null>(null);
  if (!session) return <SignIn onDone={setSession} />;
  return (
    <TidingsProvider url={session.url} token={session.token}>
      <header>
        <h1>#general</h1>
        <Connection />
        <Bell />
      </header>
      <Chat room="general" />
    </TidingsProvider>
  );
}

function Connection(): ReactElement {
  const { status, transport, error } = useStatus();
  return (
    <p role="status">
      {status === "connected" ? `Connected (${transport})` : status}
      {status === "closed" && error && `: ${error.message}`}
    </p>
  );
}

function SignIn({ onDone }: { readonly onDone: (session: Session) => void }): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onDone({ url: String(form.get("url")), token: String(form.get("token")).trim() });
  };
  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>A chat with tidings</h1>
      <label>
        Server <input name="url" type="url" required defaultValue="http://127.0.0.1:8080" />
      </label>
      <label>
        Token, from <code>tidings token dev --user alice</code>
        <input name="token" required autoComplete="off" />
      </label>
      <button>Sign in</button>
    </form>
  );
}
