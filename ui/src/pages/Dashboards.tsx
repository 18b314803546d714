import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { readPanel, writtenPanel } from "../dashboard";
import type { Panel } from "../dashboard";
import { definitions, period, savedSearches, scope } from "../data";
import * as format from "../format";
import { measure } from "../measure";
import { METRICS, metricNamed, metricOf } from "../metrics";
import { Act } from "../parts/Act";
import { Change } from "../parts/Change";
import { Counted } from "../parts/Groups";
import { MetricFigure } from "../parts/MetricFigure";
import { Empty, Pending, Trouble } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { all, narrowed, typed, within } from "../query";
import { forget, keep, kept } from "../saved";
import { address, param, params, show, toMetric, toPage, view } from "../state";
import { useResource } from "../useResource";

const ADD = "add";
const PREFIX = "#/dashboards?";
/** What a new dashboard may begin with. */
const STARTERS: [name: string, metrics: string[]][] = [
  ["Delivery", ["change-lead-time", "deployment-frequency", "change-fail-rate", "recovery-time"]],
  ["Builds", ["build-success", "build-duration", "time-to-green", "flaky-rate"]],
  ["Work", ["throughput", "wip", "flow-efficiency", "work-item-cycle-time"]],
];

export function DashboardsPage() {
  const panels = params("panel").flatMap((text) => readPanel(text) ?? []);
  const name = param("name");
  const set = (next: readonly Panel[]): void => show({ params: { panel: next.map(writtenPanel) } });
  const boxes = useRef<HTMLDivElement>(null);
  const remove = (panel: Panel): void => {
    set(panels.filter((each) => each !== panel));
    // The button that had the focus is gone.
    document.getElementById(ADD)?.focus();
  };
  const earlier = (panel: Panel, index: number): void => {
    set(panels.map((each, at) => (at === index - 1 ? panel : at === index ? (panels[index - 1] ?? each) : each)));
    // The focus goes along.
    requestAnimationFrame(() => boxes.current?.querySelectorAll<HTMLElement>(".panel-box")[index - 1]?.focus());
  };
  return (
    <>
      <PageHead title={name || "Dashboards"}>
        <Keep name={name} isEmpty={panels.length === 0} />
      </PageHead>
      <Kept />
      {panels.length === 0 && <Begin />}
      <div class="columns even" ref={boxes}>
        {panels.map((panel, index) => (
          <Box
            key={writtenPanel(panel)}
            panel={panel}
            earlier={index > 0 ? () => earlier(panel, index) : undefined}
            remove={() => remove(panel)}
          />
        ))}
      </div>
      <Add add={(panel) => set([...panels.filter((each) => writtenPanel(each) !== writtenPanel(panel)), panel])} />
    </>
  );
}

/** Keeps it under a name in this browser. The address itself is what is shared. */
function Keep({ name, isEmpty }: { name: string; isEmpty: boolean }) {
  const copied = useSignal(false);
  return (
    <>
      <label>
        <span class="hidden">Name</span>
        <input class="text-input" value={name} placeholder="Name" onChange={(event) => show({ params: { name: event.currentTarget.value.trim() } })} />
      </label>
      <button type="button" class="button" disabled={name === "" || isEmpty} title="In this browser" onClick={() => keep({ name, address: address({ open: "" }) })}>
        Keep
      </button>
      <button type="button" class="button" disabled={isEmpty} onClick={() => void navigator.clipboard.writeText(location.href).then(() => (copied.value = true))}>
        {copied.value ? "Copied" : "Copy the link"}
      </button>
    </>
  );
}

function Kept() {
  const dashboards = kept.value.filter((one) => one.address.startsWith(PREFIX));
  if (dashboards.length === 0) return null;
  return (
    <ul class="chips" aria-label="Kept dashboards">
      {dashboards.map((one) => (
        <li key={one.name} class="chip kept">
          <a href={one.address} aria-current={one.name === param("name") ? "true" : undefined}>
            {one.name}
          </a>
          <button type="button" class="quiet" aria-label={`Forget ${one.name}`} onClick={() => forget(one.name)}>
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}

function Begin() {
  return (
    <Empty title="A dashboard is a link: it holds the figures, the team, the project and the window.">
      <p>
        Begin with{" "}
        {STARTERS.map(([name, metrics], index) => (
          <span key={name}>
            {index > 0 && ", "}
            <a href={toPage("dashboards", { name, panel: metrics.map((metric) => writtenPanel({ metric })) })}>{name}</a>
          </span>
        ))}
        , add a metric below, or count something in the <a href={toPage("search")}>search</a> and take it here.
      </p>
    </Empty>
  );
}

function Box({ panel, earlier, remove }: { panel: Panel; earlier: (() => void) | undefined; remove: () => void }) {
  const name = "metric" in panel ? panel.metric : panel.title || panel.q || "All";
  return (
    <section class="panel-box" aria-label={name} tabIndex={-1}>
      {"metric" in panel ? <OfMetric name={panel.metric} /> : <OfSearch panel={panel} />}
      <p class="box-foot">
        {earlier && <Act does="Earlier" to={name} run={earlier} />}
        <Act does="Remove" to={name} run={remove} />
      </p>
    </section>
  );
}

function OfMetric({ name }: { name: string }) {
  const definition = definitions.value.data?.find((each) => each.name === name);
  const metric = metricNamed(name) ?? (definition && metricOf(definition));
  const { data, problem } = useResource(metric && scope.value && { metric, scope: scope.value }, ({ metric, scope }, abort) => measure(metric, scope, abort)).value;
  if (problem) return <Trouble problem={problem} />;
  if (!metric) return definitions.value.data ? <Empty title={`This host has no metric ${name}.`} /> : <Pending lines={5} />;
  if (!data) return <Pending lines={5} />;
  return (
    <>
      <MetricFigure title={metric.label} metric={metric} measure={data} />
      <p class="note">
        <a href={toMetric(name)}>n {format.count(data.n)}</a>
        {data.unknown > 0 && `, ${format.count(data.unknown)} unknown`}, {data.definition} <Change metric={metric} change={data.change} />
      </p>
    </>
  );
}

function OfSearch({ panel }: { panel: Exclude<Panel, { metric: string }> }) {
  const { title, q, kind, ...counting } = panel;
  if (!period.value) return <Pending lines={5} />;
  return (
    <>
      <Counted title={title || q || "All"} question={{ q: all(typed(q), within(view.value, period.value)), kind }} counting={counting} behind={(terms) => toPage("search", { q: narrowed(q, terms), kind })} />
      <p class="note">
        <a href={toPage("search", { q, kind, ...counting })}>behind it</a>
      </p>
    </>
  );
}

function Add({ add }: { add: (panel: Panel) => void }) {
  const known = definitions.value.data?.map((definition) => definition.name) ?? METRICS.map((metric) => metric.name);
  const searches = savedSearches.value.data?.searches ?? [];
  const pick = (value: string): void => {
    const saved = searches.find((one) => `saved:${one.name}` === value);
    if (saved) add({ title: saved.description ?? saved.name, q: value, kind: "", group: "", then: "", by: "week", over: "updated", stats: "count" });
    else if (value) add({ metric: value });
  };
  const { problem } = definitions.value;
  if (problem) return <Trouble problem={problem} />;
  return (
    <p>
      <label class="choice">
        <span class="hidden">Add a figure</span>
        <select
          id={ADD}
          value=""
          onChange={(event) => {
            pick(event.currentTarget.value);
            event.currentTarget.value = "";
          }}
        >
          <option value="">Add a figure …</option>
          <optgroup label="Metrics">
            {known.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </optgroup>
          {searches.length > 0 && (
            <optgroup label="Saved searches, by week">
              {searches.map((one) => (
                <option key={one.name} value={`saved:${one.name}`}>
                  {one.name}
                </option>
              ))}
            </optgroup>
          )}
        </select>
      </label>
    </p>
  );
}
