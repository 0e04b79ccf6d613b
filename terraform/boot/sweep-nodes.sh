#!/bin/bash
# Removes Node objects of instances that are gone. A node that is Ready is never touched, nor one whose instance exists in any
# state but terminated; when EC2 does not answer, nothing is removed.
set -euo pipefail
: "${REGION:?}"

k3s kubectl get nodes --no-headers | awk '$2 ~ /^NotReady/ { print $1 }' | while read -r node; do
    # A node is named after its instance's private DNS name.
    instances=$(aws ec2 describe-instances --region "$REGION" --output text --query 'Reservations[].Instances[].InstanceId' \
        --filters "Name=private-dns-name,Values=$node" 'Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped' </dev/null)
    if [[ -n $instances ]]; then continue; fi
    echo "removing node $node: its instance is gone"
    k3s kubectl delete node "$node" </dev/null
done
