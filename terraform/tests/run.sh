#!/usr/bin/env bash
# Checks terraform/: format, boot scripts, conventions, checkov, and Terraform's own validation and tests.
# What this machine cannot do is printed as `not run: …` and does not count as passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1 TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
# A path to settings that are not there would put a warning before every line.
[[ -e ${TF_CLI_CONFIG_FILE:-/dev/null} ]] || unset TF_CLI_CONFIG_FILE
work=$PWD/target/terraform

not_run() { echo "not run: $*"; }
have() { command -v "$1" >/dev/null; }
# Only a PyPI that does not answer is an excuse: a pin that does not exist must fail.
environment() {
    scripts/python-venv.sh "$1" "$2" && return
    ! "target/$1/bin/pip" index versions pip >/dev/null 2>&1 || exit 1
    return 1
}

echo '== shellcheck'
if have shellcheck || scripts/install-packages.sh shellcheck:shellcheck; then
    shellcheck terraform/boot/node.sh terraform/boot/sweep-nodes.sh terraform/tests/run.sh
else
    not_run 'shellcheck (it cannot be installed here)'
fi

echo '== conventions, boot scripts, costs'
if environment venv tests/requirements.txt; then
    target/venv/bin/python -m pytest -q -o cache_dir="$work/.cache" terraform/tests
else
    not_run 'conventions, boot scripts, costs (no PyPI)'
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

# Everything is initialised in a copy, so that no lock file or plugin is left in the tree.
rm -rf "$work/tree" "$work/probe"
mkdir -p "$work/tree/spinkube" "$work/probe" "$work/plugins"
cp -R terraform "$work/tree/terraform"
cp -R spinkube/lib.sh spinkube/platform "$work/tree/spinkube/"

# The registry, or else a mirror that this machine has in a usual place.
printf 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n' >"$work/probe/main.tf"
init=(terraform init -backend=false -input=false -no-color)
export TF_PLUGIN_CACHE_DIR=$work/plugins
if ! (cd "$work/probe" && timeout 300 "${init[@]}" >init.log 2>&1); then
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
    (cd "$work/probe" && "${init[@]}" >init.log)
fi
version=$(cd "$work/probe" && terraform version -json | grep -o '"registry.terraform.io/hashicorp/aws": *"[^"]*"' | grep -o '[0-9.]*"$' | tr -d '"')

echo "== terraform validate and test, with aws $version"
for folder in terraform/modules/* terraform/environments/*; do
    echo "-- $folder"
    (
        cd "$work/tree/$folder"
        "${init[@]}" >init.log 2>&1 || { cat init.log && exit 1; }
        terraform validate -no-color
        terraform test -no-color | tee test.log
        grep -q '^Success! [1-9]' test.log || { echo "error: $folder has no tests" && exit 1; }
    )
done
[[ $version != 5.* ]] || not_run "terraform validate and test with version 6 of the provider (no provider; all that can be had here is $version)"
