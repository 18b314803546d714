import * as format from "../format";
import { toEntity } from "../state";
import type { Hit } from "../types";
import { Age } from "./Age";
import { Mark, isState } from "./Mark";
import { ToolLink } from "./ToolLink";

/** Longest handle that is shown before a title; longer ones are for machines. */
const KEY_LETTERS = 20;

/** What a search found, newest first. */
export function Hits({ hits }: { hits: Hit[] }) {
  return (
    <ul class="hits" aria-label="Found">
      {hits.map((hit) => (
        <Row key={hit.id} hit={hit} />
      ))}
    </ul>
  );
}

function Row({ hit }: { hit: Hit }) {
  const title = hit.title ?? format.plainId(hit.id);
  const state = hit.result ?? hit.state;
  const text = hit.highlight?.text;
  return (
    <li class="hit-row">
      <p class="hit-head">
        {state && isState(state) && <Mark state={state} />}
        <a href={toEntity(hit.id)}>
          {hit.key && hit.key.length <= KEY_LETTERS && !title.startsWith(hit.key) && <span class="run">{hit.key} </span>}
          <Marked parts={hit.highlight?.title ?? [title]} />
        </a>
        <span class="when">
          <Age at={hit.updated ?? hit.created} />
        </span>
        <ToolLink url={hit.url} name={title} />
      </p>
      {text && (
        <p class="hit-text">
          <Marked parts={text} />
        </p>
      )}
      <p class="sub">{about(hit).join(" · ")}</p>
    </li>
  );
}

/** Plain, found, plain, found and so on. */
function Marked({ parts }: { parts: string[] }) {
  return <>{parts.map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}</>;
}

function about(hit: Hit): string[] {
  const duration = hit.duration === undefined ? undefined : format.duration(hit.duration);
  const parts = [format.words(hit.kind ?? ""), hit.project, hit.status ?? hit.state, hit.environment, hit.branch, [hit.person ?? []].flat()[0], duration];
  return parts.filter((part) => part !== undefined && part !== "") as string[];
}
