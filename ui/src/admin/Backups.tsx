import { send } from "../api";
import { Box } from "../parts/Box";
import { Entries } from "../parts/Entries";
import { Field } from "../parts/Field";
import { Coded, Empty } from "../parts/Notice";
import { Sure } from "../parts/Sure";
import type { Copied } from "../types";
import { useDialog } from "../useDialog";
import { useGet } from "../useResource";
import { Copy } from "./Copy";

const PATH = "/v1/backups";

/** Copies that can be served again. */
export function Backups() {
  const answer = useGet<{ backups: Copied[] }>(PATH, {}).value;
  const { dialog, show, close } = useDialog();
  const take = (): void =>
    show(
      <Sure
        title="Back up"
        does="Back up"
        close={close}
        act={async ({ to }) => {
          const { damaged } = await send<{ damaged: string[] }>("POST", PATH, { to });
          return damaged.length > 0 ? `It is taken, without what is damaged: ${damaged.join(", ")}.` : "It is taken.";
        }}
      >
        <p>
          <Coded text="All records with cursors, users and the audit log, as they lie. The keys are not in it: `weir backup keys` copies them; keep them elsewhere." />
        </p>
        <Field name="to" label="folder" note="whole path on the host's machine; what an earlier backup in it holds is not written again" needed placeholder="/mnt/elsewhere/weir" />
      </Sure>,
    );
  const tools = (
    <button type="button" class="button" onClick={take}>
      Back up
    </button>
  );
  return (
    <Box title="Backups" note="to a folder of the host's machine" tools={tools} answer={answer}>
      {({ backups }) => (
        <>
          {backups.length === 0 && (
            <Empty title="No backup was taken.">
              <p>
                <Coded text="`[backup]` in weir.toml takes one by itself, every day unless it says otherwise. `weir restore` puts one back." />
              </p>
            </Empty>
          )}
          <Entries look="entries" rows={backups}>
            {(one) => <Copy key={one.at} of={one} />}
          </Entries>
          {dialog}
        </>
      )}
    </Box>
  );
}
