import { useEffect, useRef } from "preact/hooks";
import { helpShown } from "../keys";
import { TITLES, places } from "./Nav";

const keys = (): [string, string][] => [
  ["/", "Search"],
  ...places().map(([letter, page]): [string, string] => [`g ${letter}`, TITLES[page]]),
  ["← →", "Walk along a chart that has the focus"],
  ["Esc", "Close what lies on top"],
  ["?", "This list"],
];

/** The keys, as a list on top of the page. */
export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = helpShown.value;
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
  }, [shown]);
  if (!shown) return null;
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => (helpShown.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <form method="dialog">
        <h2 id="help-title">Keys</h2>
        <dl>
          {keys().map(([key, does]) => (
            <div key={key}>
              <dt>
                {key.split(" ").map((one) => (
                  <kbd key={one}>{one}</kbd>
                ))}
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <button class="button">Close</button>
      </form>
    </dialog>
  );
}
