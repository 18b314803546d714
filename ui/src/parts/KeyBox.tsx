import { useSignal } from "@preact/signals";
import { keyWanted, takeKey } from "../api";
import { refresh } from "../live";
import { Coded } from "./Notice";

/** Asks for a key, when the host does. */
export function KeyBox() {
  const text = useSignal("");
  if (!keyWanted.value) return null;
  return (
    <form
      class="notice trouble"
      onSubmit={(event) => {
        event.preventDefault();
        takeKey(text.value);
        refresh();
      }}
    >
      <p class="notice-title">This host asks for a key.</p>
      <p>
        <Coded text="`weir key create --scope read` prints one; with `admin` in its scope it may also act. It is forgotten when this tab is closed." />
      </p>
      <p class="inline">
        <label>
          <span class="hidden">Key</span>
          <input class="text-input" type="password" autocomplete="off" value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        </label>
        <button class="button main" disabled={text.value.trim() === ""}>
          Use it
        </button>
      </p>
    </form>
  );
}
