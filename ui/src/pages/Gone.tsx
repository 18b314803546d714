import { useEffect } from "preact/hooks";
import { Audit } from "../admin/Audit";
import { Decommissions } from "../admin/Decommissions";
import { PageHead } from "../parts/PageHead";

const TITLE = "The account of this host is gone";

/** What is left of a host whose account was erased, or is being so: the proof. */
export function GonePage() {
  useEffect(() => {
    document.title = `${TITLE} – Weir`;
  }, []);
  return (
    <main id="main" class="gone" aria-label={TITLE}>
      <PageHead title={TITLE} note="what is left is the proof: its receipt, and who did what" />
      <Decommissions />
      <Audit />
    </main>
  );
}
