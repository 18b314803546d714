import { getText } from "../api";
import { saveText } from "../chart/export";
import { Fields } from "../panel/Document";
import { Act } from "../parts/Act";
import { Answered } from "../parts/Answered";
import { Close } from "../parts/Close";
import { Dialog } from "../parts/Dialog";
import { Coded } from "../parts/Notice";
import type { Json } from "../types";
import { useResource } from "../useResource";

/** The signed receipt of something that is gone: to be read, kept and printed. */
export function Receipt({ at, name, close }: { at: string; name: string; close: () => void }) {
  const answer = useResource(at, async (at, abort) => ({ text: await getText(at, {}, abort) }), true).value;
  return (
    <Dialog title={`Receipt of ${name}`} close={close}>
      <Answered answer={answer} lines={8}>
        {({ text }) => (
          <>
            <p class="inline">
              <button type="button" class="button main" onClick={() => saveText(`receipt-${name.replaceAll(" ", "-")}.json`, text)}>
                Download
              </button>
              <Act does="Print" run={print} />
            </p>
            <p class="note">
              <Coded text="Signed as it is downloaded; `weir receipt verify FILE --public-key KEY` checks it anywhere. The key is that of `weir audit verify`." />
            </p>
            <div class="receipt">
              <h3>{name}</h3>
              <Fields of={JSON.parse(text) as { [name: string]: Json }} />
            </div>
          </>
        )}
      </Answered>
      <Close close={close} />
    </Dialog>
  );
}
