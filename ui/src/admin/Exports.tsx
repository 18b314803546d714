import * as format from "../format";
import { Coded, Empty } from "../parts/Notice";
import type { Export } from "../types";
import { useGet } from "../useResource";
import { Box } from "./Box";

/** What was taken out of Weir. */
export function Exports() {
  const answer = useGet<{ exports: Export[] }>("/v1/exports", {}).value;
  return (
    <Box title="Exports" note={<Coded text="`weir export --to FOLDER` writes one on the host's machine" />} answer={answer}>
      {({ exports }) => (
        <>
          {exports.length === 0 && <Empty title="Nothing was exported." />}
          <ul class="hits">
            {exports.map((one) => (
              <li key={one.at} class="hit-row">
                <p class="hit-head">
                  <code>{one.to}</code>
                  <span class="when">{format.exact(one.at)}</span>
                </p>
                <p class="sub">
                  {format.count(one.records)} records in {format.count(one.files)} files, by {one.by} · <code title={one.manifest}>{format.short(one.manifest)}</code>
                </p>
              </li>
            ))}
          </ul>
        </>
      )}
    </Box>
  );
}
