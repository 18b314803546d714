interface Props<V> {
  legend: string;
  name: string;
  value: V;
  options: readonly (readonly [value: V, label: string])[];
  title?: string;
  pick: (value: V) => void;
}

/** One of a few, all of them in sight. */
export function Segments<V extends string | number>({ legend, name, value, options, title, pick }: Props<V>) {
  return (
    <fieldset class="segments" title={title}>
      <legend class="hidden">{legend}</legend>
      {options.map(([each, label]) => (
        <label key={each}>
          <input type="radio" name={name} checked={value === each} onChange={() => pick(each)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
