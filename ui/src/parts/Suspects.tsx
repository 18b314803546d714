import * as format from "../format";
import { toEntity } from "../state";
import type { SuspectCommit, Suspects } from "../types";

const REASONS: Record<string, string> = {
  range: "new since the last green build",
  "fix-range": "new in the build that fixed it",
  "added-while-red": "came while it was red already",
  withdrawn: "cleared: the same commit turned green",
  "no-baseline": "there is no green build before it",
  "no-revision": "the build does not say what it built",
  "no-change": "nothing changed since the last green build",
  "incomplete-history": "commits in between are not known",
  unfinished: "it is not over",
  "not-judged": "its result says nothing about commits",
  "rerun-failure": "the same commit was green before: flaky, or its surroundings",
  "rerun-recovery": "the same commit was red before: flaky, or its surroundings",
};

const FLAGS: Record<string, string> = {
  rewritten: "history was rewritten",
  "earlier-commit-unknown": "the green commit is not known",
  "base-unknown": "the base branch is not known",
  "base-moved": "the base branch moved too",
  "second-break": "broke again while red",
};

/** What the line of builds says about a build. */
export function Verdict({ suspects }: { suspects: Suspects }) {
  const { state, since, reason, commits, flags = [] } = suspects;
  const suspected = commits.filter((commit) => commit.confidence > 0).length;
  const cleared = suspected === 0 && commits.some((commit) => commit.reason === "withdrawn");
  const remarks = [reason && (REASONS[reason] ?? format.words(reason)), ...flags.map((flag) => FLAGS[flag] ?? format.words(flag))];
  return (
    <>
      {cleared ? "the same commit turned green: flaky, or its surroundings" : verdict(state, suspected)}
      {since && suspected > 0 && (
        <>
          {" since the "}
          <a href={toEntity(since)}>last green build</a>
        </>
      )}
      {remarks.filter(Boolean).map((remark) => `, ${remark}`)}
    </>
  );
}

function verdict(state: string, suspected: number): string {
  if (state !== "broken") return format.words(state);
  return suspected === 1 ? "one suspect" : `${suspected || "no"} suspects`;
}

export function SuspectList({ commits }: { commits: SuspectCommit[] }) {
  if (commits.length === 0) return null;
  return (
    <ul class="suspects">
      {commits.map((commit) => (
        <li key={commit.id} class={commit.confidence > 0 ? "suspect" : "suspect cleared"}>
          <Confidence value={commit.confidence} />
          <a class="sha" href={toEntity(commit.id)}>
            {format.short(commit.sha)}
          </a>
          <span class="suspect-title" title={REASONS[commit.reason] ?? commit.reason}>
            {commit.title ?? REASONS[commit.reason] ?? commit.reason}
          </span>
          {commit.author && <span class="author">{commit.author}</span>}
        </li>
      ))}
    </ul>
  );
}

function Confidence({ value }: { value: number }) {
  const percent = Math.round(value * 100);
  return (
    <span class="confidence" role="img" aria-label={value > 0 ? `${percent} % sure` : "listed, not suspected"} title={value > 0 ? `${percent} %` : "listed, not suspected"}>
      <span style={{ height: `${percent}%` }} />
    </span>
  );
}
