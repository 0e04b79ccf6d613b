#!/usr/bin/env bash
# Shows what an apply would change, and changes nothing.
# Usage: terraform/plan.sh SIZE [--state-only | --drift]
#   SIZE            a name of environments/aws/sizes
#   --state-only    compare with the state, ask AWS nothing: what a pull request's role may do
#   --drift         fail (exit code 2) when anything would change
set -euo pipefail
cd "$(dirname "$0")/environments/aws"
size=${1:?a size: $(cd sizes && echo *.tfvars | sed 's/\.tfvars//g')}

for file in "sizes/$size.tfvars" terraform.tfvars backend.hcl; do
    [[ -e $file ]] || {
        echo "error: there is no $file; fix: make it from its example beside it (terraform/README.md)" >&2
        exit 1
    }
done
terraform init -input=false -backend-config=backend.hcl >/dev/null
# Reading takes no lock: the roles of continuous integration may not write one.
plan=(terraform plan -input=false -lock=false "-var-file=sizes/$size.tfvars")
case ${2:-} in
    '') "${plan[@]}" ;;
    --state-only) "${plan[@]}" -refresh=false ;;
    --drift) "${plan[@]}" -detailed-exitcode ;;
    *)
        echo "error: unknown: $2" >&2
        exit 1
        ;;
esac
