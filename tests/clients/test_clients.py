"""The contract as tools read it: Spectral finds nothing, and clients generated from it do what the API offers.

Each program beside this file, named for its generator, creates, pages, gets, updates and deletes items, with
conditions, and reads problems. All generators get the same contract, the one that the service publishes.
"""

import os
import shutil
import subprocess

import pytest

from service import ROOT, Service

FOLDER = ROOT / "target/clients"
CONTRACT = FOLDER / "openapi.json"
NODE = FOLDER / "node_modules/.bin"


def openapi_generator(name, *options):
    return ["openapi-generator-cli", "generate", "--generator-name", name, "--input-spec", CONTRACT, *options]


# The command that generates the code for a program, in the program's folder.
GENERATORS = {
    "openapi-python-client.py": ["openapi-python-client", "generate", "--path", CONTRACT, "--output-path", "client",
                                 "--meta", "none", "--fail-on-warning"],
    "python.py": openapi_generator("python", "--output", ".", "--package-name", "client"),
    "typescript-fetch.ts": openapi_generator("typescript-fetch", "--output", "client"),
    "openapi-typescript.ts": [NODE / "openapi-typescript", CONTRACT, "--output", "client.ts"],
    "go.go": openapi_generator("go", "--output", ".", "--package-name", "main"),
}
TSC = [NODE / "tsc", "--strict", "--target", "es2022", "--module", "commonjs", "--types", "node",
       "--skipLibCheck"]
# The commands that run a program, by its language.
RUN = {
    ".py": [["python", "main.py"]],
    ".ts": [[*TSC, "main.ts"], ["node", "main.js"]],
    ".go": [["go", "run", "."]],
}


@pytest.fixture(scope="module")
def address():
    service = Service(FOLDER)
    CONTRACT.write_text(service.fetch(f"{service.address}/openapi.json"))
    yield service.address
    service.stop()


def run(folder, *command):
    environment = os.environ | {"GOCACHE": str(FOLDER / "go-build"), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    result = subprocess.run(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    assert result.returncode == 0, f"{command}:\n{result.stdout}"


def test_spectral_finds_nothing_in_the_contract(address):
    (FOLDER / "spectral.json").write_text('{ "extends": "spectral:oas" }')
    run(FOLDER, NODE / "spectral", "lint", CONTRACT, "--ruleset", "spectral.json", "--fail-severity", "hint")


@pytest.mark.parametrize("program", GENERATORS)
def test_a_generated_client_does_every_operation(address, program):
    path = ROOT / "tests/clients" / program
    folder = FOLDER / path.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run(folder, *GENERATORS[program])
    shutil.copy(path, folder / f"main{path.suffix}")
    *build, start = RUN[path.suffix]
    for command in build:
        run(folder, *command)
    run(folder, *start, address)
