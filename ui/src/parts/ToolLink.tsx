import { safeUrl } from "../format";

/** The way to the page of the tool itself. */
export function ToolLink({ url, name }: { url: string | undefined; name: string }) {
  const safe = safeUrl(url);
  if (!safe) return null;
  return (
    <a class="tool" href={safe} target="_blank" rel="noopener noreferrer" aria-label={`${name} in the tool`} title={safe}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path d="M6 3.5H3.5v9h9V10M9 3h4v4M13 3 7.5 8.5" />
      </svg>
    </a>
  );
}
