import { send } from "../api";
import { Act } from "../parts/Act";
import { Age } from "../parts/Age";
import { Said } from "../parts/Said";
import { mayNote } from "../session";
import type { Note } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";

/** What propels and people noted beside an entity. */
export function Notes({ id }: { id: string }) {
  const path = `/v1/entities/${encodeURIComponent(id)}/notes`;
  const notes = useGet<{ notes: Note[] }>(path, {}).value.data?.notes ?? [];
  const action = useAction();
  if (notes.length === 0 && !mayNote()) return null;
  const write = (form: HTMLFormElement): void => {
    const text = String(new FormData(form).get("text") ?? "").trim();
    if (text === "") return;
    action.run(async () => {
      await send("POST", path, { text });
      form.reset();
      return "It is noted.";
    });
  };
  const remove = (note: Note): void =>
    action.run(async () => {
      await send("DELETE", `${path}/${encodeURIComponent(note.name)}`);
      return "The note is taken away.";
    });
  return (
    <section aria-labelledby="notes">
      <h3 id="notes">Notes</h3>
      {notes.length > 0 && (
        <ul class="links">
          {notes.map((note) => (
            <li key={note.name}>
              <span class="said">{note.text}</span>
              <span class="sub">
                {note.propel ? `propel ${note.propel}` : note.user}, <Age at={note.at} />
              </span>
              {mayNote() && <Act does="Take away" to={note.text} action={action} run={() => remove(note)} />}
            </li>
          ))}
        </ul>
      )}
      {mayNote() && (
        <form
          class="inline"
          onSubmit={(event) => {
            event.preventDefault();
            write(event.currentTarget);
          }}
        >
          <input class="text-input" name="text" aria-label="A note" placeholder="For all who look at it" maxLength={4_000} autocomplete="off" />
          <button class="button" disabled={action.busy.value}>
            Note it
          </button>
        </form>
      )}
      <Said action={action} />
    </section>
  );
}
