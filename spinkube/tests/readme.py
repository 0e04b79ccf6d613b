"""The tables and commands of spinkube/README.md."""

import re

from build import SPINKUBE

README = SPINKUBE / "README.md"


def section(title):
    text = README.read_text()
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"{README}: no section {title}"
    return found[1]


def table(title):
    """The rows of the first table of a section, by column."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(len(row) == len(head) for row in rows), f"{README}: a row of {title} has too few cells"
    return [dict(zip(head, row)) for row in rows]


def flows(contained):
    """{(from, to, port)} that the table lists, for a rendering that contains these components."""
    return {
        (source, target, port)
        for row in table("Network")
        if not row["With"] or row["With"] in contained
        for source in row["From"].split(", ")
        for target in row["To"].split(", ")
        for port in row["Port"].split(", ")
    }
