"""Checks the network policies: exactly the connections in the table of spinkube/README.md are possible."""

import re

import build
import pods
import policies

SECTION = re.search(r"^## Network\n(.*?)^## ", (build.SPINKUBE / "README.md").read_text(), re.M | re.S)[1]
HEAD, _, *ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"(?m)^\|.*", SECTION)]
TABLE = [dict(zip(HEAD, row, strict=True)) for row in ROWS]

# The base's own database.
SINGLE = "single server"


def test_exactly_the_connections_in_the_table_are_possible(variant, rendered):
    own, others = set(pods.own(rendered)), pods.NEIGHBOURS + pods.outside(rendered)
    chosen = build.components(variant)
    parts = chosen if build.DATABASES & chosen else {*chosen, SINGLE}
    found = policies.flows(build.kind(rendered, "NetworkPolicy").values(), own, others)
    listed = {
        (source, target, port)
        for row in TABLE
        if not row["With"] or set(row["With"].split(" and ")) <= parts
        for source in row["From"].split(", ")
        for target in row["To"].split(", ")
        for port in row["Port"].split(", ")
    }
    assert found - listed == set(), "possible, but not in the table of spinkube/README.md"
    assert listed - found == set(), "in the table of spinkube/README.md, but not possible"


def test_every_row_of_the_table_names_a_component_that_exists():
    assert {name for row in TABLE for name in row["With"].split(" and ")} <= {"", SINGLE, *build.COMPONENTS}
