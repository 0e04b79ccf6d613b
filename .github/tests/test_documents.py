"""CHANGELOG.md keeps its habit, and the sums in CD.md are right."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
PLAN = (ROOT / "CD.md").read_text()


def test_versions_fall_and_have_dates_and_links():
    heads = re.findall(r"(?m)^## (.*)$", CHANGELOG)
    assert heads[0] == "[Unreleased]"
    versions = []
    for head in heads[1:]:
        found = re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", head)
        assert found, f"not '[1.2.3] - YYYY-MM-DD': {head}"
        versions.append(tuple(int(part) for part in found.groups()))
    assert versions == sorted(set(versions), reverse=True)
    linked = re.findall(r"(?m)^\[(.*?)\]: https://", CHANGELOG)
    assert linked == [head.split("]")[0].strip("[") for head in heads]


def test_changes_stand_under_one_of_six_headings():
    assert set(re.findall(r"(?m)^### (.*)$", CHANGELOG)) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def decisions():
    """Tables whose head is `| Option | criterion ×weight | … | Sum |`, by the heading above them."""
    for section in re.split(r"(?m)^##+ ", PLAN)[1:]:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
        if rows and rows[0][0] == "Option":
            yield section.splitlines()[0], rows[0], rows[2:]


DECISIONS = list(decisions())


def test_every_choice_was_weighed():
    assert len(DECISIONS) >= 9, [title for title, _, _ in DECISIONS]


@pytest.mark.parametrize("title, head, rows", DECISIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_sums_are_right_and_the_best_is_taken(title, head, rows):
    assert [name for name in head[-3:]] == ["Sum", "Cost", "Way out"], head
    weights = [int(re.fullmatch(r".+ ×(\d)", cell).group(1)) for cell in head[1:-3]]
    assert len(weights) >= 3 and len(rows) >= 3, "three criteria, three alternatives"
    sums = {}
    for option, *cells in rows:
        scores = [int(cell) for cell in cells[: len(weights)]]
        assert all(1 <= score <= 5 for score in scores), option
        assert all(cells[len(weights) + 1 :]), f"{option}: cost and way out"
        sums[option] = int(cells[len(weights)].strip("*"))
        assert sums[option] == sum(weight * score for weight, score in zip(weights, scores, strict=True)), f"{option}: {sums[option]}"
    taken = [option for option in sums if option.startswith("**")]
    assert len(taken) == 1, "one option is in bold: the one that was taken"
    assert sums[taken[0]] == max(sums.values()) and list(sums.values()).count(sums[taken[0]]) == 1, f"{title}: the best sum is another's"


def test_paths_that_the_plan_names_exist():
    for path in re.findall(r"`((?:spinkube|terraform|\.github|observability|schema|tests)/[\w./-]*)`", PLAN):
        assert (ROOT / path).exists(), path


def test_targets_that_the_plan_names_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)", PLAN):
        assert re.search(rf"(?m)^{target}:", makefile), target
