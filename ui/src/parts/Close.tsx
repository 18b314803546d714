/** The end of a dialog that only shows something. */
export function Close({ close }: { close: () => void }) {
  return (
    <p>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </p>
  );
}
