import { PageHead } from "../parts/PageHead";
import { PropelList } from "../parts/PropelList";
import { Runs } from "../parts/Runs";
import { Tables } from "../parts/Tables";

export function PropelsPage() {
  return (
    <>
      <PageHead title="Propels" note="what reacts to what happens, and what it did" />
      <PropelList />
      <Runs />
      <Tables />
    </>
  );
}
