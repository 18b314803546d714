import { useSignal } from "@preact/signals";
import * as format from "../format";
import { type Metric, written } from "../metrics";
import { Age } from "../parts/Age";
import { Columns } from "../parts/List";
import { More } from "../parts/More";
import { toEntity } from "../state";
import type { Sample } from "../types";

const PAGE = 50;

export function Samples({ metric, samples }: { metric: Metric; samples: Sample[] }) {
  const shown = useSignal(PAGE);
  return (
    <>
      <table class="list">
        <caption class="hidden">Samples of {metric.label}, newest first</caption>
        <Columns of={["Of", ["Value", "number"], ["When", "number"]]} />
        <tbody>
          {samples.slice(0, shown.value).map((sample) => (
            <tr key={sample.entity + sample.at}>
              <th scope="row">
                <a class="job" href={toEntity(sample.entity)}>
                  <span class="name">{format.plainId(sample.entity)}</span>
                </a>
                <span class="sub">{[sample.entity.split(":")[0], sample.project, sample.teams?.[0]].filter(Boolean).join(", ")}</span>
              </th>
              <td class="number">{value(metric, sample)}</td>
              <td class="number when">
                <Age at={sample.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <More shown={shown} page={PAGE} of={samples.length} />
    </>
  );
}

function value(metric: Metric, sample: Sample): string {
  if (sample.value === null || sample.value === undefined) return format.words(sample.unknown ?? "unknown");
  if (metric.shape === "time") return format.duration(sample.value);
  if (metric.shape === "rate") return "1";
  if (metric.shape !== "share") return written(metric, sample.value).join(" ");
  return sample.value > 0 ? "yes" : "no";
}
