import { computed } from "@preact/signals";
import { freshAt, status } from "../data";
import * as format from "../format";
import { connection } from "../live";
import { answeredAt } from "../resource";
import { may } from "../session";
import { now } from "../time";

/** Nothing collected for as long is worth a warning. */
const STALE_MS = 3_600_000;

interface Reading {
  tone: "live" | "busy" | "warn" | "off";
  text: string;
  title: string;
}

const reading = computed<Reading>(() => {
  const { data, problem } = status.value;
  if (!may("status")) return { tone: "live", text: `Processed up to ${freshest()}`, title: "" };
  if (!data) return { tone: problem ? "off" : "busy", text: problem ? "Weir does not answer" : "Connecting", title: "" };
  const title = `Record ${format.count(data.processed)} of ${format.count(data.accepted)} is processed`;
  if (problem) return { tone: "off", text: `No connection. Shown as of ${format.clock(answeredAt.value ?? now.value)}`, title };
  const behind = data.accepted - data.processed;
  if (behind > 0) return { tone: "busy", text: `Processing, ${format.count(behind)} records behind`, title };
  const ages = data.integrations.flatMap((one) => one.cursor_age_ms ?? []);
  const age = ages.length > 0 ? Math.min(...ages) : 0;
  if (age > STALE_MS) return { tone: "warn", text: `Nothing collected for ${format.duration(age)}`, title };
  const polled = connection.value === "polling";
  const text = `Processed up to ${freshest()}`;
  return { tone: polled ? "warn" : "live", text: polled ? `${text}, asked every 15 s` : text, title };
});

function freshest(): string {
  return freshAt.value === undefined ? "now" : format.when(Date.parse(freshAt.value), now.value);
}

export function Freshness() {
  const { tone, text, title } = reading.value;
  return (
    <p class={`freshness ${tone}`} title={title}>
      <span class="dot" aria-hidden="true" />
      <span>{text}</span>
    </p>
  );
}
