import { Integrations } from "../parts/Integrations";
import { Numbers } from "../parts/Numbers";
import { PageHead } from "../parts/PageHead";
import { RedBuilds } from "../parts/RedBuilds";
import { Teams } from "../parts/Teams";
import { BUILDS, DORA, FAMILIES } from "../metrics";
import { may } from "../session";
import { param, show } from "../state";

export function OverviewPage() {
  const compared = param("as");
  return (
    <>
      <PageHead title="Overview">
        <label class="choice">
          <span class="hidden">Beside the numbers of another system</span>
          <select value={compared} onChange={(event) => show({ params: { as: event.currentTarget.value } })}>
            <option value="">Beside no other system</option>
            {FAMILIES.map((family) => (
              <option key={family} value={family}>
                Beside {family}
              </option>
            ))}
          </select>
        </label>
      </PageHead>
      <div class="numbers dora">
        <Numbers label="DORA" metrics={DORA} compared={compared} />
      </div>
      <Teams />
      <div class="columns">
        <RedBuilds />
        <div class="column">
          <section aria-label="Build health" class="numbers pair">
            <Numbers label="Build health" metrics={BUILDS.slice(0, 2)} />
          </section>
          {may("status") && <Integrations />}
        </div>
      </div>
    </>
  );
}
