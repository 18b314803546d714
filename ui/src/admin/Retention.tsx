import * as format from "../format";
import { Coded, Empty } from "../parts/Notice";
import type { Retention } from "../types";
import { useGet } from "../useResource";
import { Box } from "./Box";

/** How long raw records are kept, and which are due. */
export function RetentionPreview() {
  const answer = useGet<Retention>("/v1/retention/preview", {}).value;
  return (
    <Box title="Retention" note="how long raw records are kept" answer={answer}>
      {({ policies, holds, selected, next_run }) => (
        <>
          {policies.length === 0 && (
            <Empty title="Everything is kept.">
              <p>
                <Coded text="`[retention]` in weir.toml says for how long: `raw = '400d'`." />
              </p>
            </Empty>
          )}
          <ul>
            {policies.map((policy, index) => (
              <li key={index}>
                {[policy.integration ?? "all integrations", policy.kind].filter(Boolean).join(", ")}: {policy.raw}
              </li>
            ))}
            {holds.map((hold) => (
              <li key={hold.name}>
                <span class="tag">hold</span> {hold.name}: {hold.integration ?? "everything"} is kept{hold.reason && `, ${hold.reason}`}
              </li>
            ))}
          </ul>
          {policies.length > 0 && (
            <p class="note">
              {selected.records === 0 ? "Nothing is due." : `${format.count(selected.records)} records are due: ${selected.streams.map((stream) => `${stream.name} ${format.count(stream.records)}`).join(", ")}.`}
              {next_run && ` The next run is on ${format.exact(next_run)}.`}
            </p>
          )}
        </>
      )}
    </Box>
  );
}
