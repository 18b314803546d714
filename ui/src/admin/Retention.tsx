import { useSignal } from "@preact/signals";
import { get, send } from "../api";
import * as format from "../format";
import { Box } from "../parts/Box";
import { Coded, Empty } from "../parts/Notice";
import { Sure } from "../parts/Sure";
import type { Erasure, Retention, Selected } from "../types";
import { useDialog } from "../useDialog";
import { useResource } from "../useResource";
import { Found, counts, sentence, written } from "./Erasures";
import { Parts } from "./Inventory";

/** Which raw records are past their time. They go by themselves every day; holds win. */
export function RetentionPreview() {
  const n = useSignal(0);
  // The host reads everything it has for it: asked again when something was done, not with every news.
  const answer = useResource(n.value, (_, abort) => get<Retention>("/v1/retention/preview", {}, abort), true).value;
  const { dialog, show, close } = useDialog();
  const { selected } = answer.data ?? {};
  const tools = selected && selected.selected > 0 && (
    <button type="button" class="button" onClick={() => show(<Now found={selected} done={() => (n.value += 1)} close={close} />)}>
      Erase now
    </button>
  );
  return (
    <Box title="Retention" note="what is past its time, and goes by itself every day" tools={tools} answer={answer}>
      {({ policies, holds, selected, runs, audit }) => (
        <>
          {policies.length === 0 && runs == null && audit == null && (
            <Empty title="Everything is kept.">
              <p>
                <Coded text="`[retention]` in weir.toml says for how long, such as `raw = '400d'`." />
              </p>
            </Empty>
          )}
          <ul>
            {policies.map((policy) => (
              <li key={written(policy)}>{written(policy)}</li>
            ))}
            {holds.map((hold) => (
              <li key={hold.name}>
                <span class="tag">hold</span> {hold.name}: {hold.integration ?? "everything"} is kept{hold.reason && `, ${hold.reason}`}
              </li>
            ))}
          </ul>
          {policies.length > 0 && (
            <>
              <p class="note">{counts(selected)}.</p>
              <Parts of={selected.streams} />
            </>
          )}
          {runs != null && <p class="note">{format.count(runs)} runs of propels.</p>}
          {audit != null && <p class="note">{format.count(audit)} entries of the audit log that say who did it.</p>}
          {dialog}
        </>
      )}
    </Box>
  );
}

function Now({ found, done, close }: { found: Selected; done: () => void; close: () => void }) {
  return (
    <Sure
      title="Erase what is past its time"
      does="Erase now"
      sentence={sentence(found)}
      close={close}
      act={async () => {
        const { erasure } = await send<{ erasure: Erasure | null }>("POST", "/v1/retention/run");
        done();
        return erasure ? `${format.count(erasure.records.selected)} records are being erased.` : "Nothing is past its time.";
      }}
    >
      <p>Now, and not with the next daily run.</p>
      <Found found={found} />
    </Sure>
  );
}
