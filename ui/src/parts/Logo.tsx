export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 24" width="32" height="24" aria-hidden="true">
      <path class="logo-water" d="M1 6h13c7 0 6 12 13 12h4v5H1z" />
      <path class="logo-sill" d="M1 24V11h10.5v13z" />
      <path class="logo-line" d="M1 6h13c7 0 6 12 13 12h4" />
    </svg>
  );
}
