import { Field } from "./Field";

/** Whose data is seen. */
export function Limits({ teams = [], projects = [] }: { teams?: string[] | undefined; projects?: string[] | undefined }) {
  return (
    <>
      <Field name="teams" label="only these teams" note="with commas; none and no project: everything" value={teams.join(", ")} />
      <Field name="projects" label="only these projects" value={projects.join(", ")} placeholder="acme/pay-*" />
    </>
  );
}
