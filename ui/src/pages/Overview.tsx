import { Choice } from "../parts/Choice";
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
        <Choice
          label="Beside the numbers of another system"
          value={compared}
          options={[["", "Beside no other system"], ...FAMILIES.map((family) => [family, `Beside ${family}`] as const)]}
          pick={(as) => show({ params: { as } })}
        />
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
