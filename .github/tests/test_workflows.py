"""Checks what zizmor does not: least permissions, versions, and only commands that a person can run too."""

import json
import re
import subprocess
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
    targets.insert(targets.index("test"), "test")
    assert commands("ci") == [f"make {target}" for target in targets]


def test_a_release_is_checked_tested_packaged_signed_and_published_in_this_order():
    targets = ("settings", "release-check", "test", "package", "sbom", "sign", "publish")
    assert commands("release") == [f"make {target}" for target in targets]
    assert [WORKFLOWS["release"]["jobs"][job]["needs"] for job in ("test", "publish")] == ["settings", "test"]


def test_the_first_step_of_a_job_names_a_setting_that_is_missing_and_cd_md_lists_it():
    table = re.search(r"^## Settings on GitHub\n(.*?)^## ", (ROOT / "CD.md").read_text(), re.M | re.S)[1]
    checked = set()
    for workflow, name, job in JOBS:
        used = set(re.findall(r"(?:vars|secrets)\.(?!GITHUB_TOKEN)(\w+)", str(job.get("steps", []))))
        assert all(f"`{setting}`" in table for setting in used), (workflow, name)
        if used:
            _, first, *_ = job["steps"]
            assert first["run"] == "make settings", (workflow, name)
            named = " ".join(first["env"].get(key, "") for key in ("NEEDED", "OPTIONAL")).split()
            # A job that needs a role is skipped without it.
            assert used == set(named) | set(re.findall(r"vars\.(\w+) != ''", job.get("if", "")))
            checked |= used
    environments = {job["environment"] for _, _, job in JOBS if "environment" in job}
    assert all(f"`{environment}`" in table for environment in environments) and len(checked) >= 4


def test_a_promotion_reads_private_artifacts_and_gets_its_key_from_an_environment():
    job = WORKFLOWS["promote"]["jobs"]["pull-request"]
    assert job["environment"] == "promote" and "secrets.PROMOTE_KEY" in str(job["steps"])
    uses = [step.get("uses", step.get("run", "")).partition("@")[0] for step in job["steps"]]
    assert uses.index("docker/login-action") < uses.index("make promote")
    # A called workflow has only the permissions of its caller.
    assert job["permissions"]["packages"] == "read"
    assert WORKFLOWS["release"]["jobs"]["staging"]["permissions"] == job["permissions"]


def pins():
    """{name: versions} of what the rules of Renovate find that it does not know by itself."""
    found = {}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for manager in json.loads((ROOT / ".github" / "renovate.json").read_text())["customManagers"]:
        patterns = [pattern.strip("/") for pattern in manager["managerFilePatterns"]]
        [rule] = [rule.replace("(?<", "(?P<") for rule in manager["matchStrings"]]
        for pattern in patterns:
            texts = [(ROOT / file).read_text() for file in tracked if re.search(pattern, file)]
            matches = [match.groupdict() for text in texts for match in re.finditer(rule, text)]
            assert matches, f"renovate.json: {pattern} has nothing like {rule}"
            for match in matches:
                found.setdefault(match.get("depName", manager.get("depNameTemplate")), set()).add(match["currentValue"])
    return found


def test_renovate_finds_every_chart_every_cluster_image_and_the_versions_of_tools():
    found = pins()
    charts = re.findall(r"(?m)^  chart: (?:oci://)?(\S+)$", "".join(p.read_text() for p in (ROOT / "spinkube").rglob("*.yaml")))
    assert len(charts) >= 6 and set(charts) <= found.keys()
    assert "ghcr.io/cloudnative-pg/postgresql" in found
    tools = {"cargo-deny", "k3s-io/k3s", "k3d-io/k3d", "spinframework/spin", "spinframework/containerd-shim-spin"}
    tools.add("hashicorp/terraform")
    assert all(len(found[tool]) == 1 for tool in tools), found


def test_renovate_reads_every_file_that_pins_python_packages():
    settings = json.loads((ROOT / ".github" / "renovate.json").read_text())
    # Part of config:recommended: it leaves out every folder `tests`.
    assert ":ignoreModulesAndTests" in settings["ignorePresets"]
    [pattern] = settings["pip_requirements"]["managerFilePatterns"]
    for file in (file for folder in ("tests", "terraform", "spinkube", ".github") for file in (ROOT / folder).rglob("*.txt")):
        if re.search(r"(?m)^[\w.-]+==", file.read_text()):
            assert file.name == "requirements.txt" or re.search(pattern.strip("/"), str(file.relative_to(ROOT))), file
