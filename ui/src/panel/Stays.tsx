import { Figure } from "../chart/Figure";
import * as format from "../format";
import { now } from "../time";
import type { History } from "../types";

const TONES: Record<string, string> = { todo: "dim", active: "water", waiting: "warn", done: "good" };

/** Where a work item stood, from its creation on. */
export function Stays({ history: { stays, told } }: { history: History }) {
  if (stays.length === 0) return null;
  const rows = stays.map((stay) => ({ ...stay, took: (stay.until ? Date.parse(stay.until) : now.peek()) - Date.parse(stay.from) }));
  const whole = rows.reduce((sum, stay) => sum + stay.took, 0) || 1;
  return (
    <section>
      <Figure title="Status" note={told ? undefined : "the tool told of no change"} file="status" drawn={false} rows={[["status", "phase", "from", "until", "ms"], ...rows.map((stay) => [stay.status, stay.phase, stay.from, stay.until, stay.took])]}>
        <p class="way" aria-hidden="true">
          {rows.map((stay, index) => (
            <span key={index} class={TONES[stay.phase ?? ""] ?? "dim"} style={{ flexGrow: stay.took / whole }} title={stay.status ?? "unknown"} />
          ))}
        </p>
        <ul class="links">
          {rows.map((stay, index) => (
            <li key={index}>
              <span>
                <i class={`key ${TONES[stay.phase ?? ""] ?? "dim"}`} />
                {stay.status ?? "unknown"}
              </span>
              <span class="sub">
                {format.duration(stay.took)}
                {stay.until ? "" : ", until now"}, from {format.exact(stay.from)}
                {stay.phase === "waiting" && ", nobody works on it"}
                {stay.seen && ", at the latest"}
              </span>
            </li>
          ))}
        </ul>
      </Figure>
    </section>
  );
}
