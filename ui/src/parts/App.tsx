import { useEffect, useRef } from "preact/hooks";
import { gone, locked } from "../api";
import { announcement } from "../live";
import { CONTENT } from "../pages";
import { GonePage } from "../pages/Gone";
import { Panel } from "../panel/Panel";
import { WelcomePage } from "../pages/Welcome";
import { asked, maySee } from "../session";
import { view } from "../state";
import { Header } from "./Header";
import { Help } from "./Help";
import { LogIn } from "./Door";
import { Nav, TITLES } from "./Nav";
import { Empty, Unreachable } from "./Notice";
import { PageHead } from "./PageHead";

/** The pages, when it is known who looks; otherwise the way in. */
export function App() {
  if (view.value.page === "welcome") return <WelcomePage />;
  if (gone.value) return <GonePage />;
  if (!asked.value) return null;
  return locked.value ? <LogIn /> : <Inside />;
}

function Inside() {
  const main = useRef<HTMLElement>(null);
  const { page } = view.value;
  const entered = useRef(page);
  const Content = CONTENT[page];
  useEffect(() => {
    document.title = page === "overview" ? "Weir" : `${TITLES[page]} – Weir`;
    if (entered.current === page) return;
    entered.current = page;
    // Those who go by keyboard or ear are where the new page begins.
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [page]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Header />
      <div class="frame">
        <Nav />
        <main id="main" ref={main} tabIndex={-1} aria-label={TITLES[page]}>
          <Unreachable />
          {maySee(page) ? <Content key={page} /> : <NotAllowed />}
        </main>
      </div>
      <p class="hidden" role="status">
        {announcement}
      </p>
      <Panel />
      <Help />
    </>
  );
}

function NotAllowed() {
  return (
    <>
      <PageHead title={TITLES[view.value.page]} note="" />
      <Empty title="This page is not for your role.">
        <p>Whoever administrates this host can give you another one.</p>
      </Empty>
    </>
  );
}

// The part of the address after `#` is the state of the app, so the link moves the focus itself.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
