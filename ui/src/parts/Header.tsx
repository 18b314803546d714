import { choices, status, period } from "../data";
import * as format from "../format";
import { WINDOWS } from "../address";
import { helpShown } from "../keys";
import { show, toPage, view } from "../state";
import type { FacetCount } from "../types";
import { Freshness } from "./Freshness";
import { Logo } from "./Logo";
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
          <Choice label="Team" value={view.value.team} counts={data?.team} pick={(team) => show({ team })} />
          <Choice label="Project" value={view.value.project} counts={data?.project} pick={(project) => show({ project })} />
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

function Choice(props: { label: string; value: string; counts: FacetCount[] | undefined; pick: (value: string) => void }) {
  const { label, value, counts = [], pick } = props;
  const values = counts.map((count) => count.value);
  if (value && !values.includes(value)) values.unshift(value);
  return (
    <label class="choice">
      <span class="hidden">{label}</span>
      <select value={value} onChange={(event) => pick(event.currentTarget.value)} disabled={values.length === 0}>
        <option value="">{values.length === 0 ? `No ${label.toLowerCase()}s` : `All ${label.toLowerCase()}s`}</option>
        {[...values].sort().map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function WindowChoice() {
  const shown = period.value;
  const title = shown?.from && shown.to ? `${format.date(shown.from)} to ${format.date(shown.to)}, UTC days` : "Everything there is";
  return (
    <fieldset class="segments" title={title}>
      <legend class="hidden">Window</legend>
      {WINDOWS.map((days) => (
        <label key={days}>
          <input type="radio" name="window" checked={view.value.days === days} onChange={() => show({ days })} />
          <span>{days === 0 ? "All" : `${days} d`}</span>
        </label>
      ))}
    </fieldset>
  );
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
