import { useSignal } from "@preact/signals";
import * as format from "../format";
import { Act } from "../parts/Act";
import { Pending, Trouble } from "../parts/Notice";
import { Rest } from "../parts/Rest";
import { toEntity } from "../state";
import type { Link } from "../types";
import { useGet } from "../useResource";

/** Kinds in the order work goes through them. */
const KINDS = ["work-item", "change", "commit", "review", "build", "test-report", "artifact", "deployment", "incident"];
const SHOWN = 8;
/** Steps away that are looked at when more is asked for. */
const FAR = 3;

interface End {
  id: string;
  title: string | undefined;
  depth: number;
  /** How sure the surest link to it is. */
  confidence: number;
  /** Reasons by kind of link. */
  why: Record<string, string[]>;
}

/** What belongs to an entity, from the ticket to the incident, and why. */
export function Links({ id, links }: { id: string; links: Link[] }) {
  const far = useSignal(false);
  const { data, problem } = useGet<{ links: Link[]; truncated: boolean }>(`/v1/entities/${encodeURIComponent(id)}/links`, far.value ? { depth: FAR } : undefined).value;
  const ends = reached(id, data?.links ?? links);
  const kinds = [...Map.groupBy(ends, (end) => end.id.split(":")[0] ?? "")].sort(([a], [b]) => rank(a) - rank(b));
  return (
    <section aria-labelledby="links">
      <div class="head">
        <h3 id="links">Belongs together</h3>
        {!far.value && <Act does="Look further" run={() => (far.value = true)} />}
      </div>
      {problem && <Trouble problem={problem} />}
      {far.value && !data && !problem && <Pending lines={3} />}
      {kinds.map(([kind, of]) => (
        <Kind key={kind} kind={kind} ends={of} />
      ))}
      {data?.truncated && <p class="sub">There is more than was looked at.</p>}
    </section>
  );
}

function Kind({ kind, ends }: { kind: string; ends: End[] }) {
  const all = useSignal(false);
  const shown = all.value ? ends : ends.slice(0, SHOWN);
  return (
    <div class="linked">
      <p class="kicker">
        {format.words(kind)}
        {ends.length > 1 && ` (${format.count(ends.length)})`}
      </p>
      <ul>
        {shown.map((end) => (
          <li key={end.id}>
            <a href={toEntity(end.id)}>{end.title ?? format.plainId(end.id)}</a>
            <span class="sub">
              {end.title && `${format.plainId(end.id)} · `}
              {Object.entries(end.why).map(([kind, reasons]) => `${format.words(kind)} (${reasons.map(format.words).join(", ")})`).join(", ")}
              {end.confidence < 1 && ` · ${format.percent(end.confidence)} % sure`}
              {end.depth > 1 && ` · ${end.depth} steps away`}
            </span>
          </li>
        ))}
      </ul>
      <Rest all={all} n={ends.length - SHOWN} of={format.words(kind)} look="quiet" />
    </div>
  );
}

const rank = (kind: string): number => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);

/** Each other end once, with all that links it, the nearest and surest first. */
export function reached(id: string, links: readonly Link[]): End[] {
  const ends = new Map<string, End>();
  for (const link of links) {
    const other = link.to === id || (link.from !== undefined && link.from !== id && ends.has(link.to)) ? (link.from ?? link.to) : link.to;
    if (other === id) continue;
    const { depth = 1, title, confidence } = link;
    const known = ends.get(other) ?? { id: other, title, depth, confidence, why: {} };
    const reasons = new Set([...(known.why[link.kind] ?? []), link.reason]);
    ends.set(other, {
      id: other,
      title: known.title ?? title,
      depth: Math.min(known.depth, depth),
      confidence: Math.max(known.confidence, confidence),
      why: { ...known.why, [link.kind]: [...reasons] },
    });
  }
  return [...ends.values()].sort((a, b) => a.depth - b.depth || b.confidence - a.confidence);
}
