#!/bin/bash
# Removes Node objects whose instance no longer exists. Keeps every node that is Ready, or whose instance exists in any
# state but terminated. Removes nothing if a request to EC2 fails.
set -euo pipefail
: "${REGION:?}"

k3s kubectl get nodes --no-headers | awk '$2 ~ /^NotReady/ { print $1 }' | while read -r node; do
    # A node has the private DNS name of its instance.
    instances=$(aws ec2 describe-instances --region "$REGION" --output text --query 'Reservations[].Instances[].InstanceId' \
        --filters "Name=private-dns-name,Values=$node" 'Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped' </dev/null)
    if [[ -n $instances ]]; then continue; fi
    echo "removing node $node: its instance no longer exists"
    k3s kubectl delete node "$node" </dev/null
done
