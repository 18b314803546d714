/** Name of a job, or another path. Where there is little room its first folders give way, for its `last` parts tell it apart. */
export function JobName({ name, last = 2 }: { name: string; last?: number }) {
  const parts = name.split("/");
  const head = parts.slice(0, -last).join("/");
  const tail = parts.slice(-last).join("/");
  return (
    <span class="name" title={name}>
      {head && <span class="folders">{head}/</span>}
      <span class="leaf">{tail}</span>
    </span>
  );
}
