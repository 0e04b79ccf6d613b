"""Release scripts in a repository of their own, with fake cosign, gh and terraform that write down how they were called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / ".github" / "release"
A, B = ("sha256:" + digit * 64 for digit in "ab")

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-22

### Added

- A thing.

## [1.2.2] - 2026-11-01

### Fixed

- Another.

[Unreleased]: https://example.org/compare/v1.2.3...main
[1.2.3]: https://example.org/compare/v1.2.2...v1.2.3
[1.2.2]: https://example.org/commits/v1.2.2
"""


class Repository:
    def __init__(self, folder):
        self.root, self.fake, self.calls_file = folder / "tree", folder / "fake", folder / "calls"
        self.fake.mkdir()
        self.write(".github/release/check.sh", "")
        shutil.rmtree(self.root / ".github" / "release")
        shutil.copytree(SCRIPTS, self.root / ".github" / "release")
        self.write("spinkube/lib.sh", (ROOT / "spinkube" / "lib.sh").read_text())
        shutil.copytree(ROOT / "spinkube" / "argocd" / "environments", self.root / "spinkube" / "argocd" / "environments")
        self.write(".gitignore", "/target/\n")
        self.write("Cargo.toml", '[workspace.package]\nversion = "1.2.3"\n')
        self.write("Cargo.lock", '[[package]]\nname = "items"\nversion = "1.2.3"\n')
        for manifest in ("spin.toml", "components/items/spin.toml", "components/audit/spin.toml"):
            self.write(manifest, 'spin_manifest_version = 2\n[application]\nname = "items"\nversion = "1.2.3"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def replace(self, path, old, new):
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", self.root, *arguments], check=True, capture_output=True)

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "state", "--allow-empty")

    def origin(self, folder):
        subprocess.run(["git", "init", "--quiet", "--bare", folder / "origin"], check=True)
        self.git("remote", "add", "origin", str(folder / "origin"))
        self.git("push", "--quiet", "--set-upstream", "origin", "main")

    def command(self, name, body=""):
        file = self.fake / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>"{self.calls_file}"\n{body}\n')
        file.chmod(0o755)

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def run(self, script, *arguments, **settings):
        env = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "GITHUB"))}
        env |= {"PATH": f"{self.fake}:{env['PATH']}", **settings}
        return subprocess.run([self.root / ".github" / "release" / f"{script}.sh", *arguments], env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def test_nothing_is_missing(repository):
    result = repository.run("check")
    assert result.returncode == 0 and "git tag -s v1.2.3" in result.stdout, result.stdout + result.stderr


LACKS = {
    "version 1.2.3 in spin.toml": lambda r: r.replace("spin.toml", "1.2.3", "1.2.2"),
    "version 1.2.3 in components/audit/spin.toml": lambda r: r.replace("components/audit/spin.toml", "1.2.3", "1.2.2"),
    "version 1.2.3 in Cargo.lock": lambda r: r.replace("Cargo.lock", "1.2.3", "1.2.2"),
    "a version like 1.2.3 in Cargo.toml": lambda r: r.replace("Cargo.toml", "1.2.3", "1.2"),
    "the section": lambda r: r.replace("CHANGELOG.md", "## [1.2.3] - 2026-11-22", "## [1.2.4] - 2026-11-22"),
    "a date in": lambda r: r.replace("CHANGELOG.md", "## [1.2.3] - 2026-11-22", "## [1.2.3]"),
    "what changed": lambda r: r.replace("CHANGELOG.md", "- A thing.\n", ""),
    "an empty section Unreleased": lambda r: r.replace("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- Left behind.\n"),
    "the link [1.2.3]": lambda r: r.replace("CHANGELOG.md", "\n[1.2.3]: ", "\n[1.2.1]: "),
}


@pytest.mark.parametrize("lack", LACKS)
def test_what_is_missing_is_said(repository, lack):
    LACKS[lack](repository)
    repository.commit()
    result = repository.run("check")
    assert result.returncode == 1 and f"missing: {lack}" in result.stdout and "fix: " in result.stdout, result.stdout
    assert "1 missing for" in result.stdout or lack.startswith(("a version", "the section")), result.stdout


def test_a_working_copy_with_changes_is_not_clean(repository):
    repository.write("new", "")
    assert "missing: a clean working copy" in repository.run("check").stdout


def test_another_branch_is_not_released(repository):
    repository.git("switch", "--quiet", "--create", "feature")
    assert "missing: the branch main" in repository.run("check").stdout


def test_a_tag_off_main_is_not_released(repository, tmp_path):
    repository.origin(tmp_path)
    repository.git("switch", "--quiet", "--create", "feature")
    repository.commit()
    repository.git("tag", "v1.2.3")
    repository.git("checkout", "--quiet", "--detach")
    result = repository.run("check")
    assert result.returncode == 1 and "missing: this commit on origin/main" in result.stdout
    repository.git("push", "--quiet", "origin", "HEAD:main")
    assert repository.run("check").returncode == 0


def test_a_tag_is_free_or_what_is_checked_out(repository, tmp_path):
    repository.origin(tmp_path)
    repository.git("tag", "v1.2.3")
    repository.git("checkout", "--quiet", "--detach")
    assert repository.run("check").returncode == 0
    repository.commit()
    assert "missing: a free version" in repository.run("check").stdout


def test_what_was_not_pushed_is_not_released(repository, tmp_path):
    repository.origin(tmp_path)
    assert repository.run("check").returncode == 0
    repository.commit()
    assert "missing: what the upstream has" in repository.run("check").stdout


def test_notes_are_the_section_and_the_digests(repository):
    repository.write("target/release-files/digests.txt", f"ghcr.io/o/n/items@{A}\n")
    notes = repository.run("notes", "1.2.3").stdout
    assert "- A thing." in notes and "Another" not in notes and f"    ghcr.io/o/n/items@{A}" in notes and "[1.2.2]:" not in notes
    assert repository.run("notes", "9.9.9").returncode == 1


def packed(repository):
    repository.write("target/digests", f"ghcr.io/o/n/items@{A}\nghcr.io/o/n/sidecar@{B}\n")
    repository.write("target/release-files/sbom.spdx.json", "{}")


def test_each_artifact_is_signed_attested_and_verified_by_digest(repository):
    packed(repository)
    repository.command("cosign")
    result = repository.run("sign", GITHUB_REPOSITORY="o/n.x")
    assert result.returncode == 0, result.stderr
    for artifact in (f"ghcr.io/o/n/items@{A}", f"ghcr.io/o/n/sidecar@{B}"):
        assert [call.split()[1] for call in repository.calls if artifact in call] == ["sign", "attest", "verify"]
    identity = next(re.search(r"--certificate-identity-regexp (\S+)", call).group(1) for call in repository.calls if " verify " in call)
    workflow = "https://github.com/o/n.x/.github/workflows/release.yml"
    assert re.match(identity, f"{workflow}@refs/tags/v1.2.3")
    for other in (f"{workflow}@refs/heads/main", f"{workflow}@refs/tags/v1.2.3-x", workflow.replace("n.x", "nyx") + "@refs/tags/v1.2.3", workflow.replace("release", "ci") + "@refs/tags/v1.2.3"):
        assert not re.match(identity, other), other
    assert (repository.root / "target/release-files/checksums.txt").read_text().splitlines() == [f"{'a' * 64}  ghcr.io/o/n/items", f"{'b' * 64}  ghcr.io/o/n/sidecar"]


@pytest.mark.parametrize("missing", ["target/digests", "target/release-files/sbom.spdx.json"])
def test_nothing_is_signed_without_artifacts_and_list_of_parts(repository, missing):
    packed(repository)
    (repository.root / missing).unlink()
    repository.command("cosign")
    assert repository.run("sign", GITHUB_REPOSITORY="o/n").returncode == 1 and not repository.calls


def test_a_signature_that_does_not_verify_fails_the_release(repository):
    packed(repository)
    repository.command("cosign", '[ "$1" != verify ]')
    assert repository.run("sign", GITHUB_REPOSITORY="o/n").returncode != 0


def test_only_a_digest_is_verified(repository):
    repository.command("cosign")
    assert repository.run("verify", "ghcr.io/o/n/items:1.2.3", GITHUB_REPOSITORY="o/n").returncode == 1 and not repository.calls


@pytest.mark.parametrize("url", ["https://github.com/o/n.git", "https://github.com/o/n", "git@github.com:o/n.git"])
def test_whose_release_it_is_comes_from_the_remote(repository, url):
    repository.command("cosign")
    repository.git("remote", "add", "origin", url)
    assert repository.run("verify", f"ghcr.io/o/n/items@{A}").returncode == 0
    assert r"^https://github\.com/o/n/\.github/" in repository.calls[-1]


def test_a_list_of_parts_without_the_parts_fails(repository):
    written = repository.root / "target/release-files/sbom.spdx.json"
    repository.command("syft", f"""printf '{{"name": "spin-sdk"}}' >{written}""")
    assert repository.run("sbom").returncode == 0
    repository.command("syft", f"printf '{{}}' >{written}")
    assert repository.run("sbom").returncode == 1


def test_a_release_is_published_from_its_tag(repository):
    packed(repository)
    repository.git("tag", "v1.2.3")
    repository.command("cosign")
    repository.command("gh")
    assert repository.run("publish").returncode == 1
    assert repository.run("sign", GITHUB_REPOSITORY="o/n").returncode == 0
    result = repository.run("publish")
    assert result.returncode == 0, result.stderr
    assert any(call.startswith("gh release create v1.2.3 --verify-tag") for call in repository.calls)


def kustomization(repository, environment):
    return (repository.root / "spinkube/argocd/environments" / environment / "applications/kustomization.yaml").read_text()


def release(repository, environment):
    """What an environment says of release and artifacts."""
    text = kustomization(repository, environment)
    return re.findall(r"targetRevision, value: (\S+) ", text), re.findall(r"- registry\.example/(\S+)", text)


def promote(repository, **settings):
    repository.write("target/new", f"ghcr.io/o/n/items@{A}\nghcr.io/o/n/items-alone@sha256:{'c' * 64}\nghcr.io/o/n/sidecar@{B}\n")
    repository.command("cosign", settings.pop("cosign", ""))
    opened = settings.pop("opened", "")
    repository.command("gh", f'[ "$2" != download ] || cat "{repository.root}/target/new"\n[ "$2" != list ] || printf %s "{opened}"')
    return repository.run("promote", GITHUB_REPOSITORY="o/n", **settings)


def test_a_release_goes_to_staging_alone(repository):
    before = kustomization(repository, "production")
    result = promote(repository, ENVIRONMENT="staging", VERSION="v1.2.3", DRY_RUN="1")
    assert result.returncode == 0, result.stderr
    # Manifests and schema of that release, with its digests.
    assert release(repository, "staging") == (["v1.2.3"], [f"items=ghcr.io/o/n/items@{A}", f"sidecar=ghcr.io/o/n/sidecar@{B}"])
    assert kustomization(repository, "production") == before
    assert any(call.startswith("gh release download v1.2.3 ") for call in repository.calls)


def test_production_takes_what_staging_has(repository):
    assert promote(repository, ENVIRONMENT="staging", VERSION="1.2.3", DRY_RUN="1").returncode == 0
    repository.commit()
    result = promote(repository, ENVIRONMENT="production", DRY_RUN="1")
    assert result.returncode == 0, result.stderr
    assert release(repository, "production") == release(repository, "staging") and release(repository, "production")[0] == ["v1.2.3"]


def test_production_is_not_asked_for_a_version(repository):
    assert promote(repository, ENVIRONMENT="staging", VERSION="1.2.3", DRY_RUN="1").returncode == 0
    repository.commit()
    before = kustomization(repository, "production")
    result = promote(repository, ENVIRONMENT="production", VERSION="1.2.4", DRY_RUN="1")
    assert result.returncode == 1 and "leave VERSION out" in result.stderr and kustomization(repository, "production") == before


@pytest.mark.parametrize("version", ["main", "1.2", "1.2.3-rc1", "1.2.3 }|e"])
def test_only_a_release_is_promoted(repository, version):
    before = kustomization(repository, "staging")
    assert promote(repository, ENVIRONMENT="staging", VERSION=version, DRY_RUN="1").returncode == 1
    assert kustomization(repository, "staging") == before


def test_production_is_not_given_what_staging_never_had(repository):
    result = promote(repository, ENVIRONMENT="production", DRY_RUN="1")
    assert result.returncode == 1 and "nothing was promoted to staging yet" in result.stderr


NAMES = {f"GIT_{who}_{what}": "promote@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def branches(repository, tmp_path):
    return subprocess.run(["git", "-C", tmp_path / "origin", "branch", "--format=%(refname:short)"], capture_output=True, text=True, check=True).stdout.split()


def asked_for(repository):
    return [re.search(r"--head (\S+) --title (.*?) --body", call).groups() for call in repository.calls if call.startswith("gh pr create --base main ")]


def test_a_pull_request_is_opened_from_a_branch_of_its_own(repository, tmp_path):
    repository.origin(tmp_path)
    result = promote(repository, ENVIRONMENT="staging", VERSION="1.2.3", **NAMES)
    assert result.returncode == 0, result.stderr
    [(branch, title)] = asked_for(repository)
    assert branch.startswith("promote/staging-") and title == "Promote v1.2.3 to staging"
    assert len([call for call in repository.calls if call.startswith("cosign verify")]) == 2
    assert set(branches(repository, tmp_path)) == {"main", branch}


def test_another_release_has_another_branch_also_with_the_same_components(repository, tmp_path):
    repository.origin(tmp_path)
    for version in ("1.2.3", "1.2.4"):
        assert promote(repository, ENVIRONMENT="staging", VERSION=version, **NAMES).returncode == 0
        repository.git("switch", "--quiet", "main")
    assert len({branch for branch, _ in asked_for(repository)}) == 2


def test_the_same_promotion_again_has_the_same_branch(repository, tmp_path):
    repository.origin(tmp_path)
    for opened in ("", "", "https://example.org/pull/1"):
        result = promote(repository, ENVIRONMENT="staging", VERSION="1.2.3", opened=opened, **NAMES)
        assert result.returncode == 0, result.stderr
        repository.git("switch", "--quiet", "main")
        # main goes on meanwhile.
        repository.commit()
    first, second = asked_for(repository)
    assert first == second and "is asked for already: https://example.org/pull/1" in result.stdout
    assert len(branches(repository, tmp_path)) == 2


def test_what_nobody_signed_is_not_promoted(repository):
    before = kustomization(repository, "staging")
    assert promote(repository, ENVIRONMENT="staging", VERSION="1.2.3", cosign="exit 1").returncode != 0
    assert kustomization(repository, "staging") == before and not any("pr create" in call for call in repository.calls)


def test_an_environment_that_is_not_there_is_named(repository):
    result = promote(repository, ENVIRONMENT="nowhere", VERSION="1.2.3")
    assert result.returncode == 1 and "production staging" in result.stderr


def test_a_package_has_no_capitals_in_its_name(repository):
    for path in ("spinkube/package.sh", "scripts/build-components.sh"):
        repository.write(path, (ROOT / path).read_text() if path.startswith("spinkube") else "#!/bin/sh\n")
        (repository.root / path).chmod(0o755)
    repository.command("spin", f"echo pushed {A}")
    repository.command("docker", f"echo x@{B}")
    result = repository.run("../../spinkube/package", REGISTRY="ghcr.io/Example/Items", VERSION="1.2.3")
    assert result.returncode == 0, result.stderr
    pushed = [call for call in repository.calls if " push " in call]
    assert len(pushed) == 4 and all(call.split()[-1].startswith("ghcr.io/example/items/") for call in pushed), pushed
    assert (repository.root / "target/digests").read_text().splitlines()[0] == f"ghcr.io/example/items/items@{A}"


def test_a_plan_takes_no_lock_and_asks_as_little_as_it_may(repository):
    shutil.copytree(ROOT / "terraform", repository.root / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    repository.command("terraform")
    script, environment = "../../terraform/plan", repository.root / "terraform/environments/aws"
    assert "there is no terraform.tfvars" in repository.run(script, "ha").stderr or (environment / "terraform.tfvars").exists()
    for file in ("terraform.tfvars", "backend.hcl"):
        (environment / file).write_text("")
    expected = "terraform plan -input=false -lock=false -var-file=sizes/ha.tfvars"
    for argument, more in (((), ""), (("--state-only",), " -refresh=false"), (("--drift",), " -detailed-exitcode")):
        assert repository.run(script, "ha", *argument).returncode == 0
        assert repository.calls[-1] == expected + more
    assert repository.run(script, "huge").returncode == 1 and repository.run(script, "ha", "--apply").returncode == 1
