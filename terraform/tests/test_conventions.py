"""Every variable typed, described, validated and used; every output described; every exception of checkov argued."""

import re
from functools import cache
from math import prod
from pathlib import Path

import hcl2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
FOLDERS = sorted([*TERRAFORM.glob("modules/*"), *TERRAFORM.glob("environments/*")])
FILES = sorted(TERRAFORM.rglob("*.tf"))


def unquote(text):
    return text.strip('"') if isinstance(text, str) else text


@cache
def parse(file):
    return hcl2.loads(file.read_text())


def blocks(folder, kind):
    """Blocks of one kind with one label, as (name, body)."""
    for file in sorted(folder.glob("*.tf")):
        for block in parse(file).get(kind, []):
            for name, body in block.items():
                if isinstance(body, dict):
                    yield unquote(name), body


def code(folder):
    """All of a folder's code without its comments."""
    text = "\n".join(file.read_text() for file in sorted(folder.glob("*.tf")))
    return re.sub(r"(?m)(^|\s)#.*$", "", text)


def name(path):
    return str(path.relative_to(ROOT))


def test_there_is_something_to_check():
    assert {folder.name for folder in FOLDERS} == {"network", "load-balancer", "servers", "agents", "database", "aws", "account"}


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_folder_has_the_four_files_and_tests(folder):
    for file in ("main.tf", "variables.tf", "outputs.tf", "versions.tf"):
        assert (folder / file).is_file(), f"{file} is missing"
    assert list(folder.glob("tests/*.tftest.hcl")), "no tests"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_variables_are_typed_described_validated_and_used(folder):
    text = code(folder)
    tests = "\n".join(file.read_text() for file in folder.glob("tests/*.tftest.hcl"))
    variables = dict(blocks(folder, "variable"))
    assert variables
    for variable, body in variables.items():
        assert "type" in body, f"{variable} has no type"
        assert unquote(body.get("description", "")).endswith("."), f"{variable} is not described by a sentence"
        if body["type"] == "bool":
            continue  # its type is all there is to say
        assert body.get("validation"), f"{variable} is not validated"
        for rule in body["validation"]:
            assert re.search(rf"var\.{variable}\b", rule["condition"]), f"a validation of {variable} is not about it"
        assert re.search(rf"expect_failures[^]]*var\.{variable}\b", tests), f"no test shows that {variable} refuses anything"
    for variable in variables:
        used = re.sub(rf'variable "{variable}" \{{.*?\n\}}', "", text, flags=re.S)
        assert re.search(rf"\bvar\.{variable}\b", used), f"{variable} is used nowhere"
    for variable in set(re.findall(r"\bvar\.(\w+)", text)):
        assert variable in variables, f"var.{variable} is not declared"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_outputs_are_described(folder):
    for output, body in blocks(folder, "output"):
        assert unquote(body.get("description", "")).endswith("."), f"{output} is not described by a sentence"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_locals_are_declared_once_and_used(folder):
    text = code(folder)
    declared = [key for file in folder.glob("*.tf") for block in parse(file).get("locals", []) for key in block if not key.startswith("__")]
    assert len(declared) == len(set(declared))
    for local in declared:
        assert re.search(rf"\blocal\.{local}\b", text), f"local.{local} is used nowhere"
    for local in set(re.findall(r"\blocal\.(\w+)", text)):
        assert local in declared, f"local.{local} is not declared"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_resources_and_data_that_are_named_exist(folder):
    text = code(folder)
    declared = {f"{kind}.{label}" for kind, label in re.findall(r'(?m)^resource "(\w+)" "(\w+)"', text)}
    data = {f"{kind}.{label}" for kind, label in re.findall(r'(?m)^data "(\w+)" "(\w+)"', text)}
    assert set(re.findall(r"\bdata\.(aws_\w+\.\w+)", text)) == data
    for address in re.findall(r"(?<!data\.)(?<![\w.])(aws_\w+\.\w+)", text):
        assert address in declared, f"{address} is not declared"


def test_modules_get_what_they_ask_for_and_nothing_else():
    for environment in (TERRAFORM / "environments").iterdir():
        modules = dict(blocks(environment, "module"))
        for module, body in modules.items():
            folder = (environment / unquote(body["source"])).resolve()
            inputs = {key for key in body if not key.startswith("__")} - {"source", "count", "for_each", "depends_on", "providers"}
            variables = dict(blocks(folder, "variable"))
            assert inputs <= set(variables), f"{module} has no {inputs - set(variables)}"
            required = {key for key, value in variables.items() if "default" not in value}
            assert required <= inputs, f"{module} lacks {required - inputs}"
        for module, output in re.findall(r"\bmodule\.(\w+)(?:\[[^]]*\])?\.(\w+)", code(environment)):
            folder = (environment / unquote(modules[module]["source"])).resolve()
            assert output in dict(blocks(folder, "output")), f"module {module} has no output {output}"


def test_outputs_of_modules_are_used():
    for folder in sorted(TERRAFORM.glob("modules/*")):
        module = folder.name.replace("-", "_")
        for output, _ in blocks(folder, "output"):
            assert re.search(rf"\bmodule\.{module}(\[\*\])?\.{output}\b", code(TERRAFORM / "environments" / "aws")), f"{module}.{output} is read by nobody"


def test_versions_are_the_same_everywhere():
    for wanted in (r'required_version = "([^"]*)"', r'source += "hashicorp/aws"\s+version = "([^"]*)"'):
        stated = [re.findall(wanted, (folder / "versions.tf").read_text()) for folder in FOLDERS]
        assert len(stated[0]) == 1 and all(versions == stated[0] for versions in stated)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_exceptions_of_checkov_are_argued(file):
    for line in file.read_text().splitlines():
        if "checkov:skip" in line:
            assert re.search(r"#checkov:skip=CKV2?_AWS_\d+:.{20,}", line), f"not argued: {line.strip()}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_no_policy_grants_everything(file):
    for action in re.findall(r'Action\s*=\s*\[?"([^"]*)"', file.read_text()):
        if action in ("kms:*", "s3:*"):  # the account's own right to its key, and a Deny
            assert re.search(r'"(Account|OnlyOverTls)"', file.read_text())
        else:
            assert not action.endswith(":*") and action != "*", f"{file}: {action}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_bucket_is_closed(file):
    text = file.read_text()
    for bucket in re.findall(r'resource "aws_s3_bucket" "(\w+)"', text):
        for kind in ("versioning", "server_side_encryption_configuration", "public_access_block", "lifecycle_configuration", "policy"):
            assert f'resource "aws_s3_bucket_{kind}" "{bucket}"' in text, f"{bucket} has no {kind}"


def test_sizes_and_example_set_every_variable_that_has_no_default():
    environment = TERRAFORM / "environments" / "aws"
    example = hcl2.loads((environment / "terraform.tfvars.example").read_text())
    variables = dict(blocks(environment, "variable"))
    required = {key for key, body in variables.items() if "default" not in body}
    for size in ("single", "ha"):
        values = {**example, **hcl2.loads((environment / "sizes" / f"{size}.tfvars").read_text())}
        keys = {key for key in values if not key.startswith("__")}
        assert required <= keys, f"{size}: {required - keys} unset"
        assert keys <= set(variables), f"{size}: {keys - set(variables)} unknown"


def test_sizes_are_what_the_tests_try():
    """The runs `single` and `ha` repeat the size files, which Terraform's tests cannot read."""
    environment = TERRAFORM / "environments" / "aws"
    tests = (environment / "tests" / "environment.tftest.hcl").read_text()
    for size in ("single", "ha"):
        run = re.search(rf'run "{size}" \{{.*?variables \{{(.*?)\n  \}}\n', tests, re.S).group(1)
        values = hcl2.loads((environment / "sizes" / f"{size}.tfvars").read_text())
        tried = hcl2.loads(run + "\n")
        strip = lambda d: {k: v for k, v in d.items() if not k.startswith("__")}  # noqa: E731
        assert strip(tried) == strip(values)


def test_nothing_that_others_publish_changes_a_plan():
    """Else the nightly comparison would fail, and the next apply roll every agent, whenever there is a new image."""
    for file in FILES:
        for kind in re.findall(r'(?m)^data "(\w+)"', file.read_text()):
            assert kind == "aws_caller_identity", f"{name(file)} reads {kind}"
    assert "default" not in dict(blocks(TERRAFORM / "environments" / "aws", "variable"))["ami_id"]


def documents(folder):
    return [document for file in sorted(folder.rglob("*.yaml")) for document in yaml.safe_load_all(file.read_text()) if document]


def test_what_belongs_on_agents_tolerates_their_taint():
    [taint] = re.findall(r'NODE_TAINTS\s*= "(.*)"', code(TERRAFORM / "modules" / "agents"))
    key, value, effect = re.fullmatch(r"(\w+)=(\w+):(\w+)", taint).groups()
    assert effect == "NoSchedule"

    def tolerated(toleration):
        matches = "key" not in toleration or toleration["key"] == key
        if toleration.get("operator") != "Exists":
            matches = toleration.get("key") == key and toleration.get("value") == value
        return matches and toleration.get("effect", effect) == effect

    platform = documents(ROOT / "spinkube" / "platform")
    [spin] = [it for it in platform if it["kind"] == "RuntimeClass"]
    assert any(map(tolerated, spin["scheduling"].get("tolerations", [])))
    assert f'NODE_LABELS = "{key}={spin["scheduling"]["nodeSelector"][key]}"' in code(TERRAFORM / "modules" / "agents")
    everywhere = [it for it in platform if it["kind"] == "DaemonSet"]
    assert everywhere
    for it in everywhere:
        assert any(map(tolerated, it["spec"]["template"]["spec"].get("tolerations", []))), it["metadata"]["name"]


def test_the_store_of_secrets_is_the_one_that_servers_may_read():
    component = ROOT / "spinkube" / "components" / "external-secrets"
    text = (component / "README.md").read_text()
    [store] = [yaml.safe_load(snippet) for snippet in re.findall(r"(?ms)^```yaml\n(.*?)^```", text)]
    assert store["kind"] == "ClusterSecretStore" and store["spec"]["conditions"] == [{"namespaces": ["items"]}]
    assert store["spec"]["provider"]["aws"].keys() == {"service", "region"} and store["spec"]["provider"]["aws"]["service"] == "SecretsManager"
    [readable] = re.findall(r':secret:(\S+)\*"', code(TERRAFORM / "modules" / "servers"))
    made = re.search(r"for name in (.*); do", text).group(1).split()
    secrets = [it for it in documents(component) if it["kind"] == "ExternalSecret"]
    assert [f"items/{name}" for name in made] == [entry["remoteRef"]["key"] for secret in secrets for entry in secret["spec"]["data"]]
    for secret in secrets:
        assert secret["apiVersion"] == store["apiVersion"]
        assert secret["spec"]["secretStoreRef"] == {"kind": store["kind"], "name": store["metadata"]["name"]}
        assert all(entry["remoteRef"]["key"].startswith(readable) for entry in secret["spec"]["data"])


def test_the_files_that_the_first_server_gets_name_no_others():
    """What reaches outside of them would work here and not on the server."""
    stated = re.search(r"\bfiles = \[(.*?)\]", code(TERRAFORM / "environments" / "aws")).group(1)
    files = {file for pattern in re.findall(r'"(.*?)"', stated) for file in ROOT.glob(pattern.replace("/**", "/**/*")) if file.is_file()}
    kustomizations = [file for file in files if file.name == "kustomization.yaml"]
    assert kustomizations
    for file in kustomizations:
        document = yaml.safe_load(file.read_text())
        for entry in [*document.get("resources", []), *document.get("components", [])]:
            if "://" not in entry:
                target = (file.parent / entry).resolve()
                assert target in files or target / "kustomization.yaml" in files, f"{name(file)} names {entry}"
    install = ROOT / "spinkube" / "platform" / "install.sh"
    for sourced in re.findall(r"(?m)^(?:\.|source) (\S+)", install.read_text()):
        assert (install.parent / sourced).resolve() in files, f"install reads {sourced}"


def cost_cells():
    """Rows of the README's table of costs: part, single, ha."""
    text = (TERRAFORM / "README.md").read_text()
    table = re.search(r"\| Part \| single \| ha \|\n\|[-|]+\n((?:\|.*\n)+)", text).group(1)
    return [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in table.splitlines()]


def test_the_costs_add_up():
    sums, stated = [0.0, 0.0], None
    for part, *cells in cost_cells():
        if part == "Sum":
            stated = [float(cell) for cell in cells]
            break
        for column, cell in enumerate(cells):
            if cell:
                factors, product = cell.split(" = ")
                value = prod(float(factor) for factor in factors.split(" × "))
                assert abs(value - float(product)) < 0.0051, f"{part}: {cell}"
                sums[column] += float(product)
    assert stated == [round(total, 2) for total in sums]


def test_the_costs_are_those_of_the_sizes():
    rows = {part: cells for part, *cells in cost_cells()}
    server, agent, disks = (next(key for key in rows if key.startswith(begin)) for begin in ("Servers", "Agents", "Disks"))
    for column, size in enumerate(("single", "ha")):
        values = hcl2.loads((TERRAFORM / "environments" / "aws" / "sizes" / f"{size}.tfvars").read_text())
        servers, agents = values["servers"], values["agents"]
        agents = None if agents == "null" or agents is None else agents
        assert unquote(servers["instance_type"]) in server
        assert rows[server][column].startswith(f"{servers['count']} × ")
        volumes = servers["count"] * servers["volume_size"]
        if agents:
            assert unquote(agents["instance_type"]) in agent and rows[agent][column].startswith(f"{agents['min']} × ")
            volumes += agents["min"] * agents["volume_size"]
        else:
            assert rows[agent][column] == ""
        assert rows[disks][column].startswith(f"{volumes} × ")
