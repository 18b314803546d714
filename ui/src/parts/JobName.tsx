/** Name of a job. Where there is little room its first folders give way, for the end tells jobs apart. */
export function JobName({ name }: { name: string }) {
  const parts = name.split("/");
  const head = parts.slice(0, -2).join("/");
  const tail = parts.slice(-2).join("/");
  return (
    <span class="name" title={name}>
      {head && <span class="folders">{head}/</span>}
      <span class="leaf">{tail}</span>
    </span>
  );
}
