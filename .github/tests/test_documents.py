"""Checks that CHANGELOG.md keeps its format, and that documents name only what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
PLAN = (ROOT / "CD.md").read_text()


def test_versions_in_the_changelog_fall_and_have_dates_and_links():
    titles = re.findall(r"(?m)^## (.*)$", CHANGELOG)
    assert titles[0] == "[Unreleased]"
    versions = []
    for title in titles[1:]:
        found = re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", title)
        assert found, f"not '[1.2.3] - YYYY-MM-DD': {title}"
        versions.append(tuple(int(part) for part in found.groups()))
    assert versions == sorted(set(versions), reverse=True)
    assert re.findall(r"(?m)^\[(.*?)\]: https://", CHANGELOG) == [title.split("]")[0].strip("[") for title in titles]


def test_changes_have_one_of_six_headings():
    headings = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"(?m)^### (.*)$", CHANGELOG)) <= headings


def test_paths_and_make_targets_in_the_plan_exist():
    for path in re.findall(r"`((?:spinkube|terraform|\.github|observability|schema|tests|scripts)/[\w./-]*)`", PLAN):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)", PLAN):
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_links_between_documents_lead_to_files():
    for document in ROOT.rglob("*.md"):
        if "target" not in document.relative_to(ROOT).parts:
            for link in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
                assert link.startswith("http") or (document.parent / link).exists(), f"{document}: {link}"


def test_links_of_the_readme_to_a_line_point_at_the_text_they_show():
    links = re.findall(r"\[`([^`]+)`\]\(([^)#]+)#L(\d+)\)", (ROOT / "README.md").read_text())
    assert len(links) >= 6
    for text, path, line in links:
        assert text in (ROOT / path).read_text().splitlines()[int(line) - 1], f"{path}#L{line} does not show {text}"
