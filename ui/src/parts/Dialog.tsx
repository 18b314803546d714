import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

/** A dialog on top of the page, as long as it is part of it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const leaving = useRef(false);
  const id = useId();
  // Before it is drawn: a key that is pressed at once is for the dialog.
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => {
      // Closed before it goes, so that the focus returns to where it was. That is told later, when another may lie here.
      leaving.current = true;
      current?.close();
    };
  }, []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby={id} onClose={() => leaving.current || close()} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div class="dialog-inner">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
