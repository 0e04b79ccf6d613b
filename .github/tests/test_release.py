"""Checks the release scripts in a repository of their own, with fakes of cosign, gh, syft, spin, docker, terraform."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
A, B = ("sha256:" + digit * 64 for digit in "ab")
APPLICATIONS = "spinkube/argocd/environments/{}/applications/kustomization.yaml"

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
    """A git repository in a temporary folder, with what the release scripts read, ready for the release of 1.2.3."""

    def __init__(self, folder):
        self.folder, self.root, self.fakes, self.log = folder, folder / "tree", folder / "fakes", folder / "calls"
        self.fakes.mkdir()
        for path in (".github/release", "spinkube/argocd/environments"):
            shutil.copytree(ROOT / path, self.root / path)
        self.write("spinkube/lib.sh", (ROOT / "spinkube/lib.sh").read_text())
        self.write(".gitignore", "/target/\n")
        self.write("Cargo.toml", '[workspace.package]\nversion = "1.2.3"\n')
        self.write("Cargo.lock", '[[package]]\nname = "items"\nversion = "1.2.3"\n')
        for manifest in ("spin.toml", "components/items/spin.toml", "components/audit/spin.toml"):
            self.write(manifest, 'spin_manifest_version = 2\n[application]\nname = "items"\nversion = "1.2.3"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def read(self, path):
        return (self.root / path).read_text()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        (self.root / path).chmod(0o755)

    def replace(self, path, old, new):
        assert old in self.read(path)
        self.write(path, self.read(path).replace(old, new))

    def git(self, *arguments):
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", self.root, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "state", "--allow-empty")

    def origin(self):
        """Pushes main to a remote repository."""
        subprocess.run(["git", "init", "--quiet", "--bare", self.folder / "origin"], check=True)
        self.git("remote", "add", "origin", str(self.folder / "origin"))
        self.git("push", "--quiet", "--set-upstream", "origin", "main")

    def branches(self):
        """The branches of the remote repository."""
        command = ["git", "-C", self.folder / "origin", "branch", "--format=%(refname:short)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def fake(self, name, body=""):
        """Puts a program on the path that records its calls and then runs `body`."""
        file = self.fakes / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>"{self.log}"\n{body}\n')
        file.chmod(0o755)

    @property
    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, script, *arguments, fails=False, **settings):
        """Runs a script, checks whether it succeeds, and returns what it prints."""
        env = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "GITHUB"))}
        env |= {"PATH": f"{self.fakes}:{env['PATH']}", **settings}
        path = self.root / (f"{script}.sh" if "/" in script else f".github/release/{script}.sh")
        done = subprocess.run([path, *arguments], env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


MISSING = {
    "version 1.2.3 in spin.toml": ("spin.toml", "1.2.3", "1.2.2"),
    "version 1.2.3 in components/audit/spin.toml": ("components/audit/spin.toml", "1.2.3", "1.2.2"),
    "version 1.2.3 in Cargo.lock": ("Cargo.lock", "1.2.3", "1.2.2"),
    "a version like 1.2.3 in Cargo.toml": ("Cargo.toml", "1.2.3", "1.2"),
    "the section": ("CHANGELOG.md", "## [1.2.3] - 2026-11-22", "## [1.2.4] - 2026-11-22"),
    "a date in": ("CHANGELOG.md", "## [1.2.3] - 2026-11-22", "## [1.2.3]"),
    "the changes of 1.2.3": ("CHANGELOG.md", "- A thing.\n", ""),
    "an empty section Unreleased": ("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- Left behind.\n"),
    "the link [1.2.3]": ("CHANGELOG.md", "\n[1.2.3]: ", "\n[1.2.1]: "),
}


@pytest.mark.parametrize("what", MISSING)
def test_check_reports_what_is_missing_with_its_fix(repository, what):
    assert "git tag -s v1.2.3" in repository.run("check")
    repository.replace(*MISSING[what])
    repository.commit()
    output = repository.run("check", fails=True)
    assert f"missing: {what}" in output and "fix: " in output
    assert "1 missing for" in output or what.startswith(("a version", "the section")), output


def test_check_reports_uncommitted_changes_another_branch_and_a_commit_that_was_not_pushed(repository):
    repository.origin()
    repository.commit()
    assert "missing: the same commit as upstream" in repository.run("check", fails=True)
    repository.write("new", "")
    repository.git("switch", "--quiet", "--create", "feature")
    output = repository.run("check", fails=True)
    assert "missing: a clean working copy" in output and "missing: the branch main" in output


def test_check_refuses_a_tag_that_is_not_on_main_or_is_another_commit(repository):
    repository.origin()
    repository.git("checkout", "--quiet", "--detach")
    repository.commit()
    repository.git("tag", "v1.2.3")
    assert "missing: this commit on origin/main" in repository.run("check", fails=True)
    repository.git("push", "--quiet", "origin", "HEAD:main")
    repository.run("check")
    repository.commit()
    assert "missing: an unused version" in repository.run("check", fails=True)


def test_notes_are_the_section_of_the_version_and_the_digests(repository):
    repository.write("target/release-files/digests.txt", f"ghcr.io/o/n/items@{A}\n")
    notes = repository.run("notes", "1.2.3")
    assert "- A thing." in notes and f"    ghcr.io/o/n/items@{A}" in notes
    assert "Another" not in notes and "[1.2.2]:" not in notes
    repository.run("notes", "9.9.9", fails=True)


def test_a_setting_that_is_missing_on_github_is_named(repository):
    names = {"NEEDED": "KEY CLIENT", "OPTIONAL": "ROLE"}
    output = repository.run("settings", fails=True, CLIENT="c", **names)
    assert "not set on GitHub: KEY; fix: CD.md" in output
    output = repository.run("settings", KEY="secret", CLIENT="c", **names)
    assert "not run: what needs ROLE" in output and "secret" not in output


def package(repository):
    """Writes what `make package` and `make sbom` leave."""
    repository.write("target/digests", f"ghcr.io/o/n/items@{A} 1.2.3\nghcr.io/o/n/sidecar@{B} 1.2.3\n")
    repository.write("target/release-files/sbom.spdx.json", "{}")
    repository.fake("cosign")


def test_package_pushes_names_in_small_letters_and_records_the_digests(repository):
    repository.write("spinkube/package.sh", (ROOT / "spinkube/package.sh").read_text())
    repository.write("scripts/build-components.sh", "#!/bin/sh\n")
    repository.fake("spin", f"echo spin 3.6.3 pushed {A}")
    repository.fake("docker", f'case "$*" in *Server.Arch*) echo arm64 ;; *) echo x@{B} ;; esac')
    repository.run("spinkube/package", REGISTRY="ghcr.io/Example/Items", VERSION="1.2.3")
    pushed = [call for call in repository.calls if " push " in call]
    assert len(pushed) == 4 and all(call.split()[-1].startswith("ghcr.io/example/items/") for call in pushed), pushed
    recorded = repository.read("target/digests").splitlines()
    assert recorded[0] == f"ghcr.io/example/items/items@{A} 1.2.3"
    assert recorded[3] == f"ghcr.io/example/items/sidecar@{B} 1.2.3 arm64"


def test_a_bill_of_materials_without_the_crates_is_refused(repository):
    file = repository.root / "target/release-files/sbom.spdx.json"
    repository.fake("syft", f"""printf '{{"name": "spin-sdk"}}' >{file}""")
    repository.run("sbom")
    repository.fake("syft", f"printf '{{}}' >{file}")
    repository.run("sbom", fails=True)


def test_each_artifact_is_signed_attested_and_verified_by_digest(repository):
    package(repository)
    repository.run("sign", GITHUB_REPOSITORY="o/n.x")
    for artifact in (f"ghcr.io/o/n/items@{A}", f"ghcr.io/o/n/sidecar@{B}"):
        assert [call.split()[1] for call in repository.calls if artifact in call] == ["sign", "attest", "verify"]
    checksums = repository.read("target/release-files/checksums.txt").splitlines()
    assert checksums == [f"{'a' * 64}  ghcr.io/o/n/items", f"{'b' * 64}  ghcr.io/o/n/sidecar"]


def test_only_the_release_workflow_at_a_tag_is_an_accepted_identity(repository):
    repository.fake("cosign")
    repository.run("verify", f"ghcr.io/o/n/items@{A}", GITHUB_REPOSITORY="o/n.x")
    identity = re.search(r"--certificate-identity-regexp (\S+)", repository.calls[-1]).group(1)
    workflow = "https://github.com/o/n.x/.github/workflows/release.yml"
    assert re.match(identity, f"{workflow}@refs/tags/v1.2.3")
    for other in ("@refs/heads/main", "@refs/tags/v1.2.3-x"):
        assert not re.match(identity, workflow + other), other
    for other in (workflow.replace("n.x", "nyx"), workflow.replace("release", "ci")):
        assert not re.match(identity, other + "@refs/tags/v1.2.3"), other


def test_nothing_is_signed_without_artifacts_and_bill_of_materials_or_verified_without_a_digest(repository):
    for missing in ("target/digests", "target/release-files/sbom.spdx.json"):
        package(repository)
        (repository.root / missing).unlink()
        repository.run("sign", fails=True, GITHUB_REPOSITORY="o/n")
    repository.run("verify", "ghcr.io/o/n/items:1.2.3", fails=True, GITHUB_REPOSITORY="o/n")
    assert not repository.calls


def test_a_signature_that_does_not_verify_fails_the_release(repository):
    package(repository)
    repository.fake("cosign", '[ "$1" != verify ]')
    repository.run("sign", fails=True, GITHUB_REPOSITORY="o/n")


def test_verify_reads_the_repository_from_the_remote(repository):
    repository.fake("cosign")
    repository.git("remote", "add", "origin", "")
    for url in ("https://github.com/o/n.git", "https://github.com/o/n", "git@github.com:o/n.git"):
        repository.git("remote", "set-url", "origin", url)
        repository.run("verify", f"ghcr.io/o/n/items@{A}")
        assert r"^https://github\.com/o/n/\.github/" in repository.calls[-1]


def test_a_release_is_published_from_its_tag_after_it_was_signed(repository):
    package(repository)
    repository.git("tag", "v1.2.3")
    repository.fake("gh")
    repository.run("publish", fails=True)
    repository.run("sign", GITHUB_REPOSITORY="o/n")
    repository.run("publish")
    assert any(call.startswith("gh release create v1.2.3 --verify-tag") for call in repository.calls)


def release(repository, environment):
    """The release and the artifacts of an environment."""
    text = repository.read(APPLICATIONS.format(environment))
    return re.findall(r"targetRevision, value: (\S+) ", text), re.findall(r"- registry\.example/(\S+)", text)


def promote(repository, environment, fails=False, cosign="", open_="", **settings):
    """Runs promote.sh; `cosign` is the body of that fake, `open_` the URL of a pull request that is open already."""
    digests = f"ghcr.io/o/n/items@{A}\nghcr.io/o/n/items-alone@sha256:{'c' * 64}\nghcr.io/o/n/sidecar@{B}"
    repository.fake("cosign", cosign)
    repository.fake("gh", f'[ "$2" != download ] || echo "{digests}"\n[ "$2" != list ] || printf %s "{open_}"')
    settings |= {f"GIT_{who}_{what}": "promote" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return repository.run("promote", fails=fails, ENVIRONMENT=environment, GITHUB_REPOSITORY="o/n", **settings)


def test_a_release_is_promoted_to_staging_only(repository):
    before = release(repository, "production")
    promote(repository, "staging", VERSION="v1.2.3", DRY_RUN="1")
    artifacts = [f"items=ghcr.io/o/n/items@{A}", f"sidecar=ghcr.io/o/n/sidecar@{B}"]
    assert release(repository, "staging") == (["v1.2.3"], artifacts)
    assert release(repository, "production") == before
    assert any(call.startswith("gh release download v1.2.3 ") for call in repository.calls)


def test_production_takes_the_release_of_staging_and_no_other(repository):
    assert "nothing was promoted to staging yet" in promote(repository, "production", fails=True, DRY_RUN="1")
    promote(repository, "staging", VERSION="1.2.3", DRY_RUN="1")
    repository.commit()
    before = release(repository, "production")
    assert "leave VERSION out" in promote(repository, "production", fails=True, VERSION="1.2.4", DRY_RUN="1")
    assert release(repository, "production") == before
    promote(repository, "production", DRY_RUN="1")
    assert release(repository, "production") == release(repository, "staging") != before


def test_only_a_signed_release_is_promoted_and_only_to_an_environment(repository):
    before = release(repository, "staging")
    for version in ("main", "1.2", "1.2.3-rc1", "1.2.3 }|e"):
        promote(repository, "staging", fails=True, VERSION=version, DRY_RUN="1")
    promote(repository, "staging", fails=True, VERSION="1.2.3", cosign="exit 1")
    assert "production staging" in promote(repository, "nowhere", fails=True, VERSION="1.2.3")
    assert release(repository, "staging") == before and not pull_requests(repository)


def pull_requests(repository):
    """(branch, title) of each pull request that was opened."""
    calls = [call for call in repository.calls if call.startswith("gh pr create --base main ")]
    return [re.search(r"--head (\S+) --title (.*?) --body", call).groups() for call in calls]


def test_a_promotion_verifies_both_artifacts_and_opens_a_pull_request_from_its_own_branch(repository):
    repository.origin()
    promote(repository, "staging", VERSION="1.2.3")
    [(branch, title)] = pull_requests(repository)
    assert branch.startswith("promote/staging-") and title == "Promote v1.2.3 to staging"
    assert len([call for call in repository.calls if call.startswith("cosign verify")]) == 2
    assert set(repository.branches()) == {"main", branch}


def test_the_same_promotion_again_gets_the_same_branch_and_another_release_another(repository):
    repository.origin()
    for version, url in (("1.2.3", ""), ("1.2.3", ""), ("1.2.4", ""), ("1.2.3", "https://example.org/pull/1")):
        output = promote(repository, "staging", VERSION=version, open_=url)
        repository.git("switch", "--quiet", "main")
        # main advances meanwhile.
        repository.commit()
    first, second, other = pull_requests(repository)
    assert first == second and other[0] != first[0] and "already open: https://example.org/pull/1" in output
    assert len(repository.branches()) == 3


def test_a_terraform_plan_takes_no_lock_and_refreshes_only_where_it_may(repository):
    ignored = shutil.ignore_patterns(".terraform*", "terraform.tfvars")
    shutil.copytree(ROOT / "terraform", repository.root / "terraform", ignore=ignored)
    repository.fake("terraform")
    assert "there is no terraform.tfvars" in repository.run("terraform/plan", "ha", fails=True)
    for file in ("terraform.tfvars", "backend.hcl"):
        repository.write(f"terraform/environments/aws/{file}", "")
    expected = "terraform plan -input=false -lock=false -var-file=sizes/ha.tfvars"
    for arguments, more in (([], ""), (["--state-only"], " -refresh=false"), (["--drift"], " -detailed-exitcode")):
        repository.run("terraform/plan", "ha", *arguments)
        assert repository.calls[-1] == expected + more
    repository.run("terraform/plan", "huge", fails=True)
    repository.run("terraform/plan", "ha", "--apply", fails=True)
