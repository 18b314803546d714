import { send } from "../api";
import { Coded, Empty } from "../parts/Notice";
import { Said } from "../parts/Said";
import type { Erasure, Retention } from "../types";
import { useAction } from "../useAction";
import { useGet } from "../useResource";
import { Box } from "./Box";
import { counts, written } from "./Erasures";

/** Which raw records are past their time. They go by themselves every day; holds win. */
export function RetentionPreview() {
  const answer = useGet<Retention>("/v1/retention/preview", {}).value;
  const action = useAction();
  const run = (): void => {
    if (!confirm("Erase what is past its time now, and not with the next daily run?")) return;
    action.run(async () => {
      const { erasure } = await send<{ erasure: Erasure | null }>("POST", "/v1/retention/run");
      return erasure ? `${counts(erasure.records)}.` : "Nothing is past its time.";
    });
  };
  const due = (answer.data?.selected.selected ?? 0) > 0;
  const tools = due && (
    <button type="button" class="button" disabled={action.busy.value} onClick={run}>
      Erase now
    </button>
  );
  return (
    <Box title="Retention" note="what is past its time, and goes by itself every day" tools={tools} answer={answer}>
      {({ policies, holds, selected }) => (
        <>
          {policies.length === 0 && (
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
          {policies.length > 0 && <p class="note">{counts(selected)}.</p>}
          <Said action={action} />
        </>
      )}
    </Box>
  );
}
