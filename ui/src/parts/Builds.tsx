import { FACETS, builds, clear, facets, isNarrowed, more } from "../builds";
import * as format from "../format";
import { param, show, toEntity } from "../state";
import type { Hit } from "../types";
import { Age } from "./Age";
import { Facets } from "./Facets";
import { JobName } from "./JobName";
import { type Column, Columns } from "./List";
import { Mark } from "./Mark";
import { Coded, Empty, Pending, Trouble } from "./Notice";
import { QueryBox } from "./QueryBox";
import { ToolLink } from "./ToolLink";

const COLUMNS: Column[] = [["Result", "hidden"], "Job", ["Branch", "wide"], ["Trigger", "wide"], ["Took", "number wide"], ["When", "number"], ["In the tool", "hidden"]];
/** What came since is pointed out as it appears. */
const OPENED_AT = Date.now();

export function Builds() {
  const { data, problem, stale } = builds.value;
  return (
    <section class="panel-box builds" aria-labelledby="builds">
      <div class="head">
        <h2 id="builds">All builds</h2>
        {data && <p class="note">{format.count(data.total)} found</p>}
      </div>
      <QueryBox
        label="Search builds"
        placeholder="Search builds: job:api* AND duration:>600000"
        within="kind:build"
        value={param("q")}
        search={(q) => show({ params: { q } })}
        clear={isNarrowed.value ? clear : undefined}
      />
      <div class="builds-body">
        <Facets names={FACETS} counts={facets.value.data} />
        <div class={`results ${stale && data ? "stale" : ""}`}>
          {problem && <Trouble problem={problem} />}
          {!data && !problem && <Pending lines={12} />}
          {data && !problem && data.hits.length === 0 && <NoBuilds />}
          {data && data.hits.length > 0 && <Table hits={data.hits} />}
          {data?.more && (
            <button type="button" class="more" onClick={more}>
              Show more
            </button>
          )}
        </div>
      </div>
    </section>
  );
}

function NoBuilds() {
  if (isNarrowed.value) {
    return (
      <Empty title="No build fits.">
        <button type="button" class="more" onClick={clear}>
          Drop the search and filters
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="No builds in this window.">
      <p>
        <Coded text="Connect a CI with an `[[integration]]` in weir.toml, or report from any pipeline with `weir emit build start` and `weir emit build finish`." />
      </p>
    </Empty>
  );
}

function Table({ hits }: { hits: Hit[] }) {
  return (
    <table class="list">
      <caption class="hidden">Builds, newest first</caption>
      <Columns of={COLUMNS} />
      <tbody>
        {hits.map((hit) => (
          <Row key={hit.id} hit={hit} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ hit }: { hit: Hit }) {
  const job = hit.job ?? hit.title ?? format.plainId(hit.id);
  return (
    <tr class={Date.parse(hit.updated ?? "") > OPENED_AT ? "new" : ""}>
      <td class="state">
        <Mark state={hit.result ?? hit.state ?? "unknown"} />
      </td>
      <th scope="row">
        <a class="job" href={toEntity(hit.id)}>
          <JobName name={job} />
          {hit.number !== undefined && <span class="run">#{hit.number}</span>}
        </a>
        {hit.branch && <span class="narrow sub">{hit.branch}</span>}
      </th>
      <td class="wide branch">{hit.branch}</td>
      <td class="wide trigger">{hit.trigger}</td>
      <td class="number wide">{format.duration(hit.duration)}</td>
      <td class="number when">
        <Age at={hit.finished ?? hit.started ?? hit.created ?? hit.updated} />
        <span class="narrow sub">{format.duration(hit.duration)}</span>
      </td>
      <td class="out">
        <ToolLink url={hit.url} name={`${job} ${hit.number ?? ""}`} />
      </td>
    </tr>
  );
}
