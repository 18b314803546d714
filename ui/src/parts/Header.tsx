import { choices, status, period } from "../data";
import * as format from "../format";
import { WINDOWS } from "../address";
import { helpShown } from "../keys";
import { show, toPage, view } from "../state";
import type { FacetCount } from "../types";
import { Choice } from "./Choice";
import { Freshness } from "./Freshness";
import { Logo } from "./Logo";
import { Segments } from "./Segments";
import { ThemeToggle } from "./ThemeToggle";
import { You } from "./You";

export function Header() {
  const { data } = choices.value;
  return (
    <header class="top">
      <div class="bar">
        <p class="brand">
          <a href="#/" title="The overview of everything">
            <Logo />
            Weir
          </a>
        </p>
        <span class="host">{status.value.data?.host}</span>
        <Freshness />
        <div class="scope" role="group" aria-label="What is shown">
          <Of label="Team" value={view.value.team} counts={data?.team} pick={(team) => show({ team })} />
          <Of label="Project" value={view.value.project} counts={data?.project} pick={(project) => show({ project })} />
          <WindowChoice />
        </div>
        <div class="tools">
          {view.value.page !== "search" && (
            <a class="icon" href={toPage("search")} aria-label="Search everything" title="Search everything (g s)">
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.3 10.3 14 14" />
              </svg>
            </a>
          )}
          <button type="button" class="icon keys" aria-label="Keys" title="Keys (?)" onClick={() => (helpShown.value = true)}>
            ?
          </button>
          <ThemeToggle />
          <You />
        </div>
      </div>
      <Sill />
    </header>
  );
}

/** A team or a project; all of them when none is chosen. */
function Of(props: { label: string; value: string; counts: FacetCount[] | undefined; pick: (value: string) => void }) {
  const { label, value, counts = [], pick } = props;
  const values = [...new Set([value, ...counts.map((count) => count.value)])].filter(Boolean).sort();
  const none = values.length === 0;
  const all = `${none ? "No" : "All"} ${label.toLowerCase()}s`;
  return <Choice label={label} value={value} disabled={none} options={[["", all], ...values.map((each) => [each, each] as const)]} pick={pick} />;
}

function WindowChoice() {
  const shown = period.value;
  const title = shown?.from && shown.to ? `${format.date(shown.from)} to ${format.date(shown.to)}, UTC days` : "Everything there is";
  const options = WINDOWS.map((days) => [days, days === 0 ? "All" : `${days} d`] as const);
  return <Segments legend="Window" name="window" title={title} value={view.value.days} options={options} pick={(days) => show({ days })} />;
}

/** The water line under the header: it falls over the sill. */
function Sill() {
  return (
    <div class="sill" aria-hidden="true">
      <span class="sill-above" />
      <svg viewBox="0 0 64 14" width="64" height="14">
        <path class="sill-air" d="M0 0H64V12.5C34 12.5 34 1 0 1z" />
        <path class="sill-line" d="M0 1c34 0 34 11.5 64 11.5" />
      </svg>
      <span class="sill-below" />
    </div>
  );
}
