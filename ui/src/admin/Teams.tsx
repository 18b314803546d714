import * as format from "../format";
import { Coded, Empty } from "../parts/Notice";
import { Scroll } from "../parts/Scroll";
import { address } from "../state";
import type { Team } from "../types";
import { useGet } from "../useResource";
import { Box } from "./Box";

/** The teams of the configuration. */
export function Teams() {
  const answer = useGet<{ teams: Team[] }>("/v1/teams", {}).value;
  return (
    <Box title="Teams" note={<Coded text="of weir.toml; `weir teams import` reads them from a table" />} answer={answer}>
      {({ teams }) =>
        teams.length === 0 ? (
          <Empty title="There is no team.">
            <p>
              <Coded text="A `[[team]]` in weir.toml names people and projects; docs/TEAMS.md has examples." />
            </p>
          </Empty>
        ) : (
          <Scroll label="Teams">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Part of</th>
                  <th scope="col">Projects</th>
                  <th scope="col">People</th>
                </tr>
              </thead>
              <tbody>
                {teams.map((team) => (
                  <tr key={team.name}>
                    <th scope="row">
                      <a href={address({ page: "overview", team: team.name })}>{team.name}</a>
                    </th>
                    <td>{team.parent ?? format.MISSING}</td>
                    <td>{team.projects?.join(", ") || format.MISSING}</td>
                    <td>{team.people?.map((person) => person.is).join(", ") || format.MISSING}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )
      }
    </Box>
  );
}
