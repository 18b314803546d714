interface Props {
  label: string;
  value: string;
  /** Values and how they are called. */
  options: readonly (readonly [value: string, name: string])[];
  disabled?: boolean;
  pick: (value: string) => void;
}

/** One of several, whose name is for the ear: what is chosen says it to the eye. */
export function Choice({ label, value, options, disabled = false, pick }: Props) {
  return (
    <label class="choice">
      <span class="hidden">{label}</span>
      <select value={value} disabled={disabled} onChange={(event) => pick(event.currentTarget.value)}>
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
