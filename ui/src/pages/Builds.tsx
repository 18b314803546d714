import { BUILDS } from "../metrics";
import { Builds } from "../parts/Builds";
import { FailingTests } from "../parts/FailingTests";
import { JobHistory, Jobs } from "../parts/Jobs";
import { Numbers } from "../parts/Numbers";
import { PageHead } from "../parts/PageHead";
import { RedBuilds } from "../parts/RedBuilds";
import { params } from "../state";

export function BuildsPage() {
  const ofOneJob = params("job").length === 1;
  return (
    <>
      <PageHead title="Builds" />
      {!ofOneJob && <Numbers label="Build health" metrics={BUILDS} />}
      {ofOneJob ? <JobHistory /> : <Jobs />}
      {!ofOneJob && (
        <div class="columns even">
          <RedBuilds />
          <FailingTests />
        </div>
      )}
      <Builds />
    </>
  );
}
