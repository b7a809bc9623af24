import { type FormEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { useRoom } from "tidings/react";

interface Line {
  readonly text: string;
}

/** A room: who is there, who types, what was said, and saying something. */
export function Chat({ room }: { readonly room: string }): ReactElement {
  const { users, typing, messages, status, publish, setTyping, history } = useRoom<Line>(room);
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const end = useRef<HTMLLIElement>(null);

  useEffect(() => {
    if (status === "joined") history().catch((error: Error) => setFailure(error.message));
  }, [status, history]);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [messages]);

  const say = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    try {
      setText("");
      setTyping(false);
      await publish({ text });
      setFailure(null);
    } catch (error) {
      setText((draft) => draft || text);
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <main>
      <p>{users.length > 0 ? `Here: ${users.join(", ")}` : status}</p>
      <ol className="messages">
        {messages.map(({ position, from, data }) => (
          <li key={position}>
            <b>{from}</b> <span dir="auto">{data?.text ?? JSON.stringify(data)}</span>
          </li>
        ))}
        <li ref={end} aria-hidden="true" />
      </ol>
      <p aria-live="polite" className="typing">
        {typing.length > 0 && `${typing.join(", ")} ${typing.length === 1 ? "is" : "are"} typing…`}
      </p>
      {failure !== null && <p role="alert">{failure}</p>}
      <form onSubmit={say}>
        <input
          aria-label="Message"
          placeholder="Say something"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setTyping(event.target.value !== "");
          }}
        />
        <button>Send</button>
      </form>
    </main>
  );
}
