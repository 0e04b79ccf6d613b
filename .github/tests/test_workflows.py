"""Workflows: pinned, minimal rights, and nothing in them that a person cannot run."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


def load(file):
    document = yaml.safe_load(file.read_text())
    document["on"] = document.pop(True)  # YAML 1.1 reads `on` as a boolean
    return document


WORKFLOWS = {file.stem: load(file) for file in FILES}
JOBS = [(workflow, name, job) for workflow, document in WORKFLOWS.items() for name, job in document["jobs"].items()]
STEPS = [(workflow, name, step) for workflow, name, job in JOBS for step in job.get("steps", [])]


def test_the_workflows_are_these():
    assert set(WORKFLOWS) == {"ci", "e2e", "release", "terraform", "promote"}


@pytest.mark.parametrize("workflow, job, step", [s for s in STEPS if "run" in s[2]], ids=lambda v: v if isinstance(v, str) else v.get("run", ""))
def test_every_command_is_a_make_target_with_a_help(workflow, job, step):
    target = re.fullmatch(r"make ([a-z0-9-]+)", step["run"])
    assert target, f"not a make target alone: {step['run']}"
    assert re.search(rf"(?m)^{target.group(1)}:.*## ", MAKEFILE), f"Makefile has no {target.group(1)} with a help"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_and_say_what_it_is(file):
    for line in re.findall(r"uses: (.*)", file.read_text()):
        if not line.startswith("./"):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # (v\d+\.\d+\.\d+|no tags yet: main of \d{4}-\d\d-\d\d)", line), line


def test_an_action_is_the_same_everywhere():
    seen = {}
    for file in FILES:
        for name, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", file.read_text()):
            assert seen.setdefault(name, commit) == commit, f"{name} is pinned to two commits"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_grants_nothing_and_each_job_what_it_needs(workflow):
    document = WORKFLOWS[workflow]
    assert document["permissions"] == {}
    assert "cancel-in-progress" in document["concurrency"]
    for name, job in document["jobs"].items():
        assert job.get("permissions"), f"{name} does not say its rights"


WRITES = {
    ("release", "publish"): {"contents", "packages", "id-token", "attestations"},
    ("terraform", "plan"): {"id-token"},
    ("terraform", "drift"): {"id-token"},
}


@pytest.mark.parametrize("workflow, name, job", JOBS, ids=lambda v: v if isinstance(v, str) else "")
def test_only_these_jobs_may_write(workflow, name, job):
    writes = {right for right, level in job["permissions"].items() if level == "write"}
    assert writes == WRITES.get((workflow, name), set())


@pytest.mark.parametrize("workflow, name, job", [j for j in JOBS if "steps" in j[2]], ids=lambda v: v if isinstance(v, str) else "")
def test_jobs_end(workflow, name, job):
    assert 5 <= job["timeout-minutes"] <= 90
    assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])


def test_a_checkout_leaves_no_credentials():
    checkouts = [step for _, _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_code_that_nobody_reviewed_gets_no_secret():
    for workflow, document in WORKFLOWS.items():
        assert "pull_request_target" not in document["on"] and "workflow_run" not in document["on"]
        if "pull_request" in document["on"]:
            assert "secrets." not in (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text()


def test_ci_runs_what_a_person_runs():
    targets = re.search(r"for target in (.*);", (ROOT / ".ci" / "run").read_text()).group(1).split()
    assert [step["run"] for workflow, _, step in STEPS if workflow == "ci" and "run" in step] == [f"make {target}" for target in targets]


def test_a_release_is_checked_tested_packed_signed_and_published_in_this_order():
    runs = [step["run"] for workflow, _, step in STEPS if workflow == "release" and "run" in step]
    assert runs == [f"make {target}" for target in ("release-check", "test", "package", "sbom", "sign", "publish")]
    assert WORKFLOWS["release"]["jobs"]["publish"]["needs"] == "test"
    assert not [step for workflow, _, step in STEPS if workflow == "release" and "cache" in step.get("uses", "")]


def test_a_promotion_reads_private_artifacts_and_has_its_key_from_an_environment():
    job = WORKFLOWS["promote"]["jobs"]["pull-request"]
    assert job["environment"] == "promote" and "secrets.PROMOTE_KEY" in str(job["steps"])
    uses = [step.get("uses", step.get("run", "")).partition("@")[0] for step in job["steps"]]
    assert uses.index("docker/login-action") < uses.index("make promote")
    # A called workflow has no right that its caller has not.
    assert job["permissions"]["packages"] == "read" and WORKFLOWS["release"]["jobs"]["staging"]["permissions"] == job["permissions"]


def test_versions_are_the_same_everywhere():
    for key in ("terraform_version",):
        versions = {step["with"][key] for _, _, step in STEPS if key in step.get("with", {})}
        assert len(versions) == 1, versions
    spin = {step["with"]["version"] for _, _, step in STEPS if step.get("uses", "").startswith("spinframework/")}
    assert len(spin) == 1, spin


def test_dependabot_watches_every_folder_that_pins_something():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    watched = {(u["package-ecosystem"], folder) for u in updates for folder in u.get("directories", [u.get("directory")])}
    requirements = {("pip", "/" + str(file.parent.relative_to(ROOT))) for file in (ROOT / "tests").rglob("*.txt") if "==" in file.read_text()}
    assert requirements <= watched, requirements - watched
    assert {("cargo", "/"), ("github-actions", "/"), ("terraform", "/terraform/environments/*"), ("terraform", "/terraform/modules/*")} <= watched
