#!/usr/bin/env bash
# Checks terraform/: shell scripts, conventions, boot scripts, checkov, and Terraform's format, validation and tests.
# Prints `not run: …` for each check that this machine cannot run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1 TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
# Terraform prints a warning before every line when this file does not exist.
[[ -e ${TF_CLI_CONFIG_FILE:-/dev/null} ]] || unset TF_CLI_CONFIG_FILE
work=$PWD/target/terraform

not_run() { echo "not run: $*"; }
have() { command -v "$1" >/dev/null; }
# Fails only when PyPI is unreachable. A version that does not exist ends the script.
environment() {
    scripts/python-venv.sh "$1" "$2" && return
    ! "target/$1/bin/pip" index versions pip >/dev/null 2>&1 || exit 1
    return 1
}

echo '== shellcheck'
if have shellcheck || scripts/install-packages.sh shellcheck:shellcheck; then
    shellcheck terraform/*.sh terraform/boot/*.sh terraform/tests/*.sh
else
    not_run 'shellcheck (it cannot be installed here)'
fi

echo '== conventions, boot scripts'
if environment venv tests/requirements.txt; then
    target/venv/bin/python -m pytest -q -o cache_dir="$work/.cache" terraform/tests
else
    not_run 'conventions, boot scripts (no PyPI)'
fi

echo '== checkov'
if environment checkov terraform/tests/checkov.txt; then
    target/checkov/bin/checkov --directory terraform --framework terraform --skip-download --compact --quiet
else
    not_run 'checkov (no PyPI)'
fi

if ! have terraform; then
    not_run 'terraform fmt, validate and test (terraform is missing)'
    exit
fi
echo '== terraform fmt'
terraform fmt -check -diff -recursive terraform

# Works in a copy, so that the repository gets no lock files and plugins.
rm -rf "$work/tree"
mkdir -p "$work/tree/spinkube" "$work/plugins"
cp -R terraform "$work/tree/terraform"
cp -R spinkube/lib.sh spinkube/platform "$work/tree/spinkube/"

# The provider comes from a mirror in /opt or in one of Terraform's own folders, otherwise from the registry.
init=(terraform init -backend=false -input=false -no-color)
for mirror in /opt/*; do [[ ! -d $mirror/registry.terraform.io/hashicorp/aws ]] || init+=("-plugin-dir=$mirror"); done
export TF_PLUGIN_CACHE_DIR=$work/plugins
cd "$work/tree/terraform/modules/network"
if ! timeout 300 "${init[@]}" >init.log 2>&1; then
    not_run 'terraform validate and test (no provider)'
    exit
fi
version=$(terraform version -json | sed -n 's/.*hashicorp.aws": "\(.*\)".*/\1/p')

echo "== terraform validate and test, with aws $version"
for folder in "$work"/tree/terraform/{modules,environments}/*; do
    echo "-- ${folder#"$work/tree/"}"
    cd "$folder"
    "${init[@]}" >init.log 2>&1 || { cat init.log && exit 1; }
    terraform validate -no-color
    sizes=(sizes/*.tfvars)
    for size in "${sizes[@]}"; do
        arguments=(-no-color)
        [[ ! -e $size ]] || arguments+=(-var-file=terraform.tfvars.example "-var-file=$size")
        terraform test "${arguments[@]}" | tee test.log
        grep -q '^Success! [1-9]' test.log || { echo "error: $PWD has no tests" && exit 1; }
    done
done
[[ $version != 5.* ]] || not_run "terraform validate and test with version 6 of the provider (no provider; the newest version available here is $version)"
