"""Checks what zizmor does not: least permissions, versions, and only commands that a person can run too."""

import re
from pathlib import Path

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
# Every job but these only reads.
WRITES = {
    ("release", "publish"): {"contents", "packages", "id-token", "attestations"},
    ("terraform", "plan"): {"id-token"},
    ("terraform", "drift"): {"id-token"},
}


def commands(workflow):
    return [step["run"] for name, _, step in STEPS if name == workflow and "run" in step]


def test_every_command_is_a_make_target_with_a_help():
    for command in [command for workflow in WORKFLOWS for command in commands(workflow)]:
        target = re.fullmatch(r"make ([a-z0-9-]+)", command)
        assert target, f"not only a make target: {command}"
        assert re.search(rf"(?m)^{target.group(1)}:.*## ", MAKEFILE), f"Makefile has no {target.group(1)} with a help"


def test_every_action_names_its_version_and_is_pinned_to_one_commit():
    pinned = {}
    version = r"(v\d+\.\d+\.\d+|no tags yet: main of \d{4}-\d\d-\d\d)"
    for action in re.findall(r"uses: ([^.].*)", "".join(file.read_text() for file in FILES)):
        found = re.fullmatch(rf"([\w./-]+)@([0-9a-f]{{40}}) # {version}", action)
        assert found and pinned.setdefault(found[1], found[2]) == found[2], action


def test_a_tool_has_the_same_version_in_every_step():
    for key in ("terraform_version", "version"):
        assert len({step["with"][key] for _, _, step in STEPS if key in step.get("with", {})}) == 1, key


def test_each_job_has_the_least_permissions_a_timeout_a_fixed_runner_and_a_concurrency_group():
    for document in WORKFLOWS.values():
        assert document["permissions"] == {} and "cancel-in-progress" in document["concurrency"]
    for workflow, name, job in JOBS:
        writes = {scope for scope, level in job["permissions"].items() if level == "write"}
        assert job["permissions"] and writes == WRITES.get((workflow, name), set()), (workflow, name)
        if "steps" in job:
            assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"]) and job["timeout-minutes"] <= 90, (workflow, name)


def test_unreviewed_code_gets_no_secret():
    for file in FILES:
        assert "pull_request" not in WORKFLOWS[file.stem]["on"] or "secrets." not in file.read_text(), file


def test_ci_runs_the_targets_of_the_script_that_a_person_runs():
    targets = re.search(r"for target in (.*);", (ROOT / ".ci" / "run").read_text()).group(1).split()
    # The suite runs twice: on the embedded host and on Spin.
    assert commands("ci") == ["make test"] + [f"make {target}" for target in targets]


def test_a_release_is_checked_tested_packaged_signed_and_published_in_this_order():
    targets = ("release-check", "test", "package", "sbom", "sign", "publish")
    assert commands("release") == [f"make {target}" for target in targets]
    assert WORKFLOWS["release"]["jobs"]["publish"]["needs"] == "test"


def test_a_promotion_reads_private_artifacts_and_gets_its_key_from_an_environment():
    job = WORKFLOWS["promote"]["jobs"]["pull-request"]
    assert job["environment"] == "promote" and "secrets.PROMOTE_KEY" in str(job["steps"])
    uses = [step.get("uses", step.get("run", "")).partition("@")[0] for step in job["steps"]]
    assert uses.index("docker/login-action") < uses.index("make promote")
    # A called workflow has only the permissions of its caller.
    assert job["permissions"]["packages"] == "read"
    assert WORKFLOWS["release"]["jobs"]["staging"]["permissions"] == job["permissions"]


def test_dependabot_watches_every_folder_that_pins_something():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    watched = set()
    for update in updates:
        folders = update.get("directories", [update.get("directory")])
        watched |= {(update["package-ecosystem"], folder) for folder in folders}
    folders = ("tests", "terraform", "spinkube", ".github")
    texts = [file for folder in folders for file in (ROOT / folder).rglob("*.txt")]
    pinning = [file for file in texts if re.search(r"(?m)^[\w.-]+==", file.read_text())]
    assert {("pip", f"/{file.parent.relative_to(ROOT)}") for file in pinning} == {w for w in watched if w[0] == "pip"}
    assert {("cargo", "/"), ("github-actions", "/"), ("docker", "/"), ("docker-compose", "/")} <= watched
    assert {("terraform", "/terraform/environments/*"), ("terraform", "/terraform/modules/*")} <= watched
