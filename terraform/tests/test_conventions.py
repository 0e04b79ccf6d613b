"""Rules for terraform/ that neither Terraform nor checkov checks, and what it shares with spinkube/."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
FILES = sorted(TERRAFORM.rglob("*.tf"))


def name(path):
    return str(path.relative_to(ROOT))


def code(folder):
    """All of a folder's code without its comments."""
    return re.sub(r"(?m)(^|\s)#.*$", "", "\n".join(file.read_text() for file in sorted(folder.glob("*.tf"))))


def blocks(kind, folder):
    """A folder's blocks of one kind, such as variable, as a dictionary from name to body."""
    return dict(re.findall(rf'(?ms)^{kind} "(\w+)" \{{(.*?)^\}}', code(folder)))


def test_every_exception_from_checkov_has_a_reason():
    for line in re.findall(r".*checkov:skip.*", "\n".join(file.read_text() for file in FILES)):
        assert re.search(r"#checkov:skip=CKV2?_AWS_\d+:.{20,}", line), line


@pytest.mark.parametrize("file", FILES, ids=name)
def test_no_policy_allows_all_actions(file):
    for actions in re.findall(r'\bAction\s*=\s*(\[[^]]*\]|"[^"]*")', file.read_text()):
        for action in re.findall(r'"([^"]*:\*|\*)"', actions):
            assert action in ("kms:*", "s3:*"), action  # the account's right to its own key, and a Deny
            assert re.search(r'"(Account|OnlyOverTls)"', file.read_text())


def test_sizes_and_example_set_only_variables_that_exist():
    """Terraform only warns about the others. Settings in comments count too."""
    environment = TERRAFORM / "environments" / "aws"
    for file in [*environment.glob("sizes/*.tfvars"), environment / "terraform.tfvars.example"]:
        assert set(re.findall(r"(?m)^(?:# )?(\w+) += ", file.read_text())) <= blocks("variable", environment).keys(), name(file)


def test_a_new_image_of_aws_changes_no_plan():
    """Otherwise it would fail the nightly comparison, and the next apply would replace every agent."""
    for file in FILES:
        assert set(re.findall(r'(?m)^data "(\w+)"', file.read_text())) <= {"aws_caller_identity"}, name(file)
    assert "default" not in blocks("variable", TERRAFORM / "environments" / "aws")["ami_id"]


def documents(folder):
    """The objects of Kubernetes in a folder, without helmfile.yaml, which has no such object."""
    found = [document for file in sorted(folder.rglob("*.yaml")) for document in yaml.safe_load_all(file.read_text())]
    return [document for document in found if document and "kind" in document]


def test_spin_pods_and_daemon_sets_tolerate_the_taint_of_agents():
    agents = code(TERRAFORM / "modules" / "agents")
    key, value, effect = re.search(r'NODE_TAINTS = "(\w+)=(\w+):(\w+)"', agents).groups()
    assert effect == "NoSchedule"

    def tolerated(toleration):
        matches = "key" not in toleration or toleration["key"] == key
        if toleration.get("operator") != "Exists":
            matches = toleration.get("key") == key and toleration.get("value") == value
        return matches and toleration.get("effect", effect) == effect

    platform = documents(ROOT / "spinkube" / "platform")
    [spin] = [it for it in platform if it["kind"] == "RuntimeClass"]
    assert any(map(tolerated, spin["scheduling"].get("tolerations", [])))
    assert f'NODE_LABELS = "{key}={spin["scheduling"]["nodeSelector"][key]}"' in agents
    everywhere = [it for it in platform if it["kind"] == "DaemonSet"]
    assert everywhere
    for it in everywhere:
        assert any(map(tolerated, it["spec"]["template"]["spec"].get("tolerations", []))), it["metadata"]["name"]


def test_external_secrets_reads_the_secrets_that_servers_may_read():
    component = ROOT / "spinkube" / "components" / "external-secrets"
    text = (component / "README.md").read_text()
    [store] = [yaml.safe_load(snippet) for snippet in re.findall(r"(?ms)^```yaml\n(.*?)^```", text)]
    assert store["kind"] == "ClusterSecretStore" and store["spec"]["conditions"] == [{"namespaces": ["items"]}]
    aws = store["spec"]["provider"]["aws"]
    assert aws.keys() == {"service", "region"} and aws["service"] == "SecretsManager"
    [readable] = re.findall(r':secret:(\S+)\*"', code(TERRAFORM / "modules" / "servers"))
    created = re.search(r"for name in (.*); do", text).group(1).split() + re.findall(r"--name items/([a-z-]+)", text)
    secrets = [it for it in documents(component) if it["kind"] == "ExternalSecret"]
    keys = [entry["remoteRef"]["key"] for secret in secrets for entry in secret["spec"]["data"]]
    assert keys == [f"items/{name}" for name in created] and all(key.startswith(readable) for key in keys)
    for secret in secrets:
        assert secret["apiVersion"] == store["apiVersion"]
        assert secret["spec"]["secretStoreRef"] == {"kind": store["kind"], "name": store["metadata"]["name"]}


def test_the_first_server_downloads_every_file_that_the_platform_refers_to():
    patterns = re.search(r"\bfiles = \[(.*?)\]", code(TERRAFORM / "modules" / "servers")).group(1)
    files = {file for pattern in re.findall(r'"(.*?)"', patterns) for file in ROOT.glob(pattern.replace("/**", "/**/*")) if file.is_file()}
    kustomizations = [file for file in files if file.name == "kustomization.yaml"]
    assert kustomizations
    for file in kustomizations:
        document = yaml.safe_load(file.read_text())
        for entry in [*document.get("resources", []), *document.get("components", [])]:
            if "://" not in entry:
                target = (file.parent / entry).resolve()
                assert target in files or target / "kustomization.yaml" in files, f"{name(file)} names {entry}"
    install = ROOT / "spinkube" / "platform" / "install.sh"
    assert install in files
    for sourced in re.findall(r"(?m)^(?:\.|source) (\S+)", install.read_text()):
        assert (install.parent / sourced).resolve() in files, f"install.sh reads {sourced}"
