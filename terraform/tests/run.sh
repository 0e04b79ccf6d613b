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

# The provider comes from the registry, or from a mirror in one of the usual folders.
cd "$work/tree/terraform/modules/network"
init=(terraform init -backend=false -input=false -no-color)
export TF_PLUGIN_CACHE_DIR=$work/plugins
if ! timeout 300 "${init[@]}" >init.log 2>&1; then
    for mirror in "${TF_PLUGIN_MIRROR:-}" "$HOME"/.terraform.d/plugins /usr/{local/,}share/terraform/plugins /opt/*; do
        [[ -d $mirror/registry.terraform.io/hashicorp/aws ]] && break
        mirror=
    done
    if [[ -z $mirror ]]; then
        not_run 'terraform validate and test (no provider)'
        exit
    fi
    unset TF_PLUGIN_CACHE_DIR
    init+=("-plugin-dir=$mirror")
    "${init[@]}" >init.log
fi
version=$(terraform version -json | grep -o '"registry.terraform.io/hashicorp/aws": *"[^"]*"' | grep -o '[0-9.]*"$' | tr -d '"')

run_tests() {
    terraform test -no-color "$@" | tee test.log
    grep -q '^Success! [1-9]' test.log || { echo "error: $PWD has no tests" && exit 1; }
}
echo "== terraform validate and test, with aws $version"
for folder in "$work"/tree/terraform/{modules,environments}/*; do
    echo "-- ${folder#"$work/tree/"}"
    cd "$folder"
    "${init[@]}" >init.log 2>&1 || { cat init.log && exit 1; }
    terraform validate -no-color
    if [[ $folder == */aws ]]; then
        for size in sizes/*.tfvars; do
            run_tests "-filter=tests/$(basename "$size" .tfvars).tftest.hcl" -var-file=terraform.tfvars.example "-var-file=$size"
        done
    else
        run_tests
    fi
done
[[ $version != 5.* ]] || not_run "terraform validate and test with version 6 of the provider (no provider; the newest version available here is $version)"
