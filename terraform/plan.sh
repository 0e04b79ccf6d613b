#!/usr/bin/env bash
# Prints what an apply would change, without changing anything.
# Usage: terraform/plan.sh SIZE [--state-only | --drift]
#   SIZE            a file of environments/aws/sizes without its ending: single or ha
#   --state-only    compares with the state alone, which is all that a pull request's role may read
#   --drift         exits with code 2 if anything would change
set -euo pipefail
cd "$(dirname "$0")/environments/aws"
size=${1:?missing size; fix: make plan SIZE=single or SIZE=ha}

for file in "sizes/$size.tfvars" terraform.tfvars backend.hcl; do
    [[ -e $file ]] || {
        echo "error: there is no $file; fix: follow terraform/README.md, 'Create a cluster'" >&2
        exit 1
    }
done
terraform init -input=false -backend-config=backend.hcl >/dev/null
# Without a lock, because the roles of continuous integration may not write one.
plan=(terraform plan -input=false -lock=false "-var-file=sizes/$size.tfvars")
case ${2:-} in
    '') "${plan[@]}" ;;
    --state-only) "${plan[@]}" -refresh=false ;;
    --drift) "${plan[@]}" -detailed-exitcode ;;
    *)
        echo "error: unknown option $2; fix: use --state-only or --drift" >&2
        exit 1
        ;;
esac
