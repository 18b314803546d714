import { period } from "../data";
import * as format from "../format";
import { BUILDS, DORA, type Metric } from "../metrics";
import { MetricCard } from "./MetricCard";

export function Numbers() {
  return (
    <div class="numbers">
      <Group id="dora" title="DORA so far" note={<Window />} metrics={DORA} />
      <Group id="quality" title="Build health" metrics={BUILDS} />
    </div>
  );
}

function Group(props: { id: string; title: string; note?: preact.ComponentChild; metrics: Metric[] }) {
  return (
    <section class={`group ${props.id}`} aria-labelledby={props.id}>
      <div class="head">
        <h2 id={props.id}>{props.title}</h2>
        {props.note}
      </div>
      <ul class="cards">
        {props.metrics.map((metric) => (
          <MetricCard key={metric.name} metric={metric} />
        ))}
      </ul>
    </section>
  );
}

function Window() {
  const shown = period.value;
  if (!shown) return null;
  if (!shown.from || !shown.to) return <p class="note">all there is</p>;
  // `to` is the day after the last.
  const last = new Date(Date.parse(shown.to) - 1).toISOString().slice(0, 10);
  return (
    <p class="note">
      {format.date(shown.from)} to {format.date(last)}
      {shown.past && ", where the data ends"}
    </p>
  );
}
