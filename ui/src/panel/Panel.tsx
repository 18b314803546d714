import { useEffect, useRef } from "preact/hooks";
import { back, go, view } from "../state";
import { EntityView } from "./EntityView";
import { MetricView } from "./MetricView";
import { RunView } from "./RunView";

/** The side panel: what is behind a number or a name. Going back in the browser goes back here too. */
export function Panel() {
  const dialog = useRef<HTMLDialogElement>(null);
  const { open } = view.value;
  useEffect(() => {
    const element = dialog.current;
    if (open && !element?.open) element?.showModal();
    if (!open && element?.open) element.close();
    // The name of what was opened is read out, and the way on starts there.
    if (open) element?.querySelector<HTMLElement>("#panel-title")?.focus();
  }, [open]);
  return (
    <dialog ref={dialog} class="panel" aria-labelledby="panel-title" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      {open && (
        <div class="panel-inner">
          <Content key={open} open={open} />
          <div class="panel-tools">
            <button type="button" class="icon" aria-label="Back" title="Back" onClick={back}>
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M9.5 3 4.5 8l5 5" />
              </svg>
            </button>
            <button type="button" class="icon" aria-label="Close" title="Close" onClick={close}>
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M3.5 3.5l9 9M12.5 3.5l-9 9" />
              </svg>
            </button>
          </div>
        </div>
      )}
    </dialog>
  );
}

function Content({ open }: { open: string }) {
  const at = open.indexOf(":");
  const rest = open.slice(at + 1);
  if (open.startsWith("metric:")) return <MetricView name={rest} />;
  return open.startsWith("run:") ? <RunView id={rest} /> : <EntityView id={rest} />;
}

function close(): void {
  if (view.value.open) go({ open: "" });
}
