import { Panel } from "../panel/Panel";
import { announcement } from "../live";
import { Builds } from "./Builds";
import { Header } from "./Header";
import { Integrations } from "./Integrations";
import { Unreachable } from "./Notice";
import { Numbers } from "./Numbers";
import { RedBuilds } from "./RedBuilds";

export function App() {
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the numbers
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Unreachable />
        <Numbers />
        <div class="columns">
          <Builds />
          <div class="column">
            <RedBuilds />
            <Integrations />
          </div>
        </div>
      </main>
      <p class="hidden" role="status">
        {announcement}
      </p>
      <Panel />
    </>
  );
}

// The part of the address after `#` is the state of the page, so the link moves the focus itself.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
