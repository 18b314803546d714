import { BarChart } from "../chart/BarChart";
import { Figure } from "../chart/Figure";
import { Legend, type Series, TimeChart, type Tone } from "../chart/TimeChart";
import type { Cell } from "../chart/export";
import * as format from "../format";
import type { Shape } from "../metrics";
import { all, narrowed, quoted } from "../query";
import { filled } from "../span";
import { address, param, show } from "../state";
import type { GroupRow, Groups as Answer, SearchAnswer } from "../types";
import { useGet } from "../useResource";
import { Answered } from "./Answered";
import { Choice } from "./Choice";

const FIELDS = ["kind", "project", "team", "service", "status", "state", "result", "type", "priority", "labels", "person", "job", "branch", "trigger", "environment", "integration"];
const TIMES = ["day", "week", "month"];
const DATES = ["updated", "created", "started", "finished"];
const STATISTICS: [value: string, label: string][] = [
  ["count", "how many"],
  ["p50:duration", "median duration"],
  ["p90:duration", "duration, 9 of 10"],
  ["sum:duration", "duration in all"],
];
const TONES: Tone[] = ["deep", "water", "good", "warn", "bad", "dim"];
const GROUPS_SHOWN = 15;
const LABELS: Record<string, string> = { group: "Count by", then: "and by", by: "Over time", over: "By which date", stats: "What is told" };

/** What is counted, by what. */
export interface Counting {
  group: string;
  then: string;
  by: string;
  over: string;
  stats: string;
}

/** Address of what is behind a part of a figure, given the search for that part. */
type Behind = (terms: string) => string;

/** Counts what was found by fields and time; what is asked for is in the address. */
export function Groups({ question }: { question: Record<string, string> | undefined }) {
  const counting: Counting = { group: param("group"), then: param("then"), by: param("by"), over: param("over") || "updated", stats: param("stats") || "count" };
  const { group, then, by, over, stats } = counting;
  return (
    <div class="groups">
      <div class="asks" role="group" aria-label="Count by">
        <span class="sub">Count by</span>
        <Pick name="group" value={group} none="nothing" values={FIELDS} />
        {group && <Pick name="then" value={then} none="and nothing else" values={FIELDS.filter((field) => field !== group)} />}
        <Pick name="by" value={by} none="at any time" values={TIMES} />
        {by && <Pick name="over" value={over} values={DATES} />}
        {(group || by) && <Pick name="stats" value={stats} values={STATISTICS.map(([value]) => value)} labels={Object.fromEntries(STATISTICS)} />}
      </div>
      {(group || by) && question && <Counted question={question} counting={counting} behind={within} />}
    </div>
  );
}

/** The figure of a counting. */
export function Counted({ title, question, counting, behind }: { title?: string; question: Record<string, string>; counting: Counting; behind: Behind }) {
  const { group, then, by, over, stats } = counting;
  const fields = [group, then].filter(Boolean).join(",");
  const params = { ...question, limit: 0, group: fields, by, over: by && over, stats: stats === "count" ? stats : `count,${stats}`, groups: by ? TONES.length : GROUPS_SHOWN };
  const answer = useGet<SearchAnswer>("/v1/search", params).value;
  return (
    <Answered answer={answer} lines={4}>
      {({ groups }) => groups && <Shown answer={groups} stats={stats} title={title} behind={behind} />}
    </Answered>
  );
}

function Pick(props: { name: string; value: string; none?: string; values: string[]; labels?: Record<string, string> }) {
  const { name, value, none, values, labels = {} } = props;
  const options = [...(none ? [["", none] as const] : []), ...values.map((each) => [each, labels[each] ?? format.words(each)] as const)];
  return <Choice label={LABELS[name] ?? name} value={value} options={options} pick={(value) => show({ params: { [name]: value } })} />;
}

function Shown({ answer, stats, title: given, behind }: { answer: Answer; stats: string; title: string | undefined; behind: Behind }) {
  const shape: Shape = stats === "count" ? "level" : "time";
  const label = STATISTICS.find(([value]) => value === stats)?.[1] ?? stats;
  const rows: Cell[][] = [
    [...answer.by, ...(answer.over ? [answer.over] : []), "count", ...(stats === "count" ? [] : [`${label} (ms)`])],
    ...answer.rows.map((row) => [...answer.by.map((field) => row.key[field] ?? "none"), ...(answer.over ? [row.at] : []), row.count, ...(stats === "count" ? [] : [valueOf(row, stats)])]),
  ];
  const title = given ?? `${label.charAt(0).toUpperCase()}${label.slice(1)}${answer.by.length > 0 ? ` by ${answer.by.map(format.words).join(" and ")}` : ""}`;
  const left = answer.other ? `${format.count(answer.other.groups)} smaller groups with ${format.count(answer.other.count)} are left out` : undefined;
  return (
    <Figure title={title} note={left} file="groups" rows={rows}>
      {answer.over ? <OverTime answer={answer} stats={stats} shape={shape} title={title} /> : <Bars answer={answer} stats={stats} title={title} behind={behind} />}
    </Figure>
  );
}

function Bars({ answer, stats, title, behind }: { answer: Answer; stats: string; title: string; behind: Behind }) {
  const bars = answer.rows.slice(0, GROUPS_SHOWN).map((row) => {
    const value = valueOf(row, stats);
    const text = value === undefined ? "unknown" : stats === "count" ? format.count(value) : format.duration(value);
    return { name: nameOf(row, answer.by), value, text, href: behind(ofGroup(row, answer.by)) };
  });
  return <BarChart label={title} bars={bars} />;
}

/** The search for what is in a group. */
const ofGroup = (row: GroupRow, by: string[]): string => all(...by.map((field) => (row.key[field] == null ? `NOT ${field}:*` : `${field}:${quoted(row.key[field])}`)));

/** The search that is shown, narrowed. */
const within: Behind = (terms) => address({ params: { q: narrowed(param("q"), terms), group: "", then: "", by: "" } });

function OverTime({ answer, stats, shape, title }: { answer: Answer; stats: string; shape: Shape; title: string }) {
  const names = [...new Set(answer.rows.map((row) => nameOf(row, answer.by)))];
  const at = filled(answer.rows.flatMap((row) => row.at ?? []), answer.bucket ?? "day");
  const value = new Map(answer.rows.map((row) => [`${nameOf(row, answer.by)}\n${row.at}`, valueOf(row, stats)]));
  const series: Series[] = names.map((name, index) => ({
    name,
    tone: TONES[index] ?? "dim",
    values: at.map((day) => value.get(`${name}\n${day}`)),
  }));
  return (
    <>
      {names.length > 1 && <Legend series={series} />}
      <TimeChart label={title} kind={stats === "count" || stats.startsWith("sum") ? "columns" : "line"} shape={shape} at={at} series={series} />
    </>
  );
}

const nameOf = (row: GroupRow, by: string[]): string => by.map((field) => row.key[field] ?? `no ${format.words(field)}`).join(", ") || "all";

function valueOf(row: GroupRow, stats: string): number | undefined {
  if (stats === "count") return row.count;
  const [statistic = "", field = ""] = stats.split(":");
  const cell = row[field];
  const value = cell !== null && typeof cell === "object" && !Array.isArray(cell) ? cell[statistic] : undefined;
  return typeof value === "number" ? value : undefined;
}
