"""Checks that CHANGELOG.md keeps its format, and that documents name only what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
DOCUMENTS = [path for path in ROOT.rglob("*.md") if "target" not in path.relative_to(ROOT).parts]


def test_versions_in_the_changelog_fall_and_have_dates_links_and_known_headings():
    titles = re.findall(r"(?m)^## (.*)$", CHANGELOG)
    assert titles[0] == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", title) for title in titles[1:]]
    assert all(found), f"not '[1.2.3] - YYYY-MM-DD': {titles}"
    versions = [tuple(map(int, version.groups())) for version in found]
    assert versions == sorted(set(versions), reverse=True)
    assert re.findall(r"(?m)^\[(.*?)\]: https://", CHANGELOG) == [title.split("]")[0].strip("[") for title in titles]
    headings = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"(?m)^### (.*)$", CHANGELOG)) <= headings


def test_links_paths_and_make_targets_in_documents_exist():
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    for document in DOCUMENTS:
        text = document.read_text()
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            assert link.startswith("http") or (document.parent / link).exists(), f"{document}: {link}"
        for path in re.findall(r"(?:^|`|=… |-k )((?:[a-z]|\.github)[\w.-]*/[\w./-]*)(?=[`\s])", text, re.M):
            places = [folder for folder in (ROOT, document.parent) if (folder / path.partition("/")[0]).is_dir()]
            found = [(place / path.replace("NAME", "staging")).exists() for place in places]
            assert any(found) or not found or path.startswith("target/"), f"{document}: {path}"
        # `make X Y VARIABLE=…` in code; "make a release" in prose is not in code.
        for words in re.findall(r"(?:^|`)make ((?:[a-z-]+(?: |`|$))+)", text, re.M):
            assert set(words.strip("` ").split()) <= targets, f"{document}: make {words}"


def test_links_of_the_readme_to_a_line_point_at_the_text_they_show():
    links = re.findall(r"\[`([^`]+)`\]\(([^)#]+)#L(\d+)\)", (ROOT / "README.md").read_text())
    assert len(links) >= 6
    for text, path, line in links:
        assert text in (ROOT / path).read_text().splitlines()[int(line) - 1], f"{path}#L{line} does not show {text}"
