# shellcheck shell=bash
# Turns a new Amazon Linux instance into a K3s server or agent. User data is a #!/bin/bash line, the settings, then this
# file. Never add `set -x`: cloud-init's log would contain the tokens.
#
#   ROLE                       server | agent
#   FIRST                      servers only: true on server-1, which may create the cluster
#   API                        host name of the Kubernetes API, which listens on port 6443
#   REGION                     AWS region
#   AGENT_TOKEN                SSM parameter with the token that lets agents join
#   SERVER_TOKEN               servers only: SSM parameter with the token that lets servers join
#   BUCKET                     servers only: bucket with node/ (files to install) and etcd/ (snapshots)
#   K3S_URL, K3S_SHA256        where K3s is downloaded from, and its hash
#   SHIM_URL, SHIM_SHA256      the same for the Spin shim
#   NODE_LABELS, NODE_TAINTS   comma-separated, may be empty
#   ROOT                       prefix of every path that is written; tests set it
set -euo pipefail
umask 077
ROOT=${ROOT:-}
: "${ROLE:?}" "${API:?}" "${AGENT_TOKEN:?}" "${REGION:?}" "${K3S_URL:?}" "${K3S_SHA256:?}" "${SHIM_URL:?}" "${SHIM_SHA256:?}"
config=$ROOT/etc/rancher/k3s/config.yaml
bin=$ROOT/usr/local/bin
units=$ROOT/etc/systemd/system

say() { echo "node: $*"; }
fail() {
    say "error: $*" >&2
    exit 1
}

# At first boot it takes a while until the network, the role's rights and the other servers are available.
retry() {
    local attempt
    for ((attempt = 1; attempt <= 60; attempt++)); do
        "$@" && return
        sleep 10
    done
    fail "gave up after 60 attempts: $*"
}

download() {
    retry curl --fail --silent --show-error --location --max-time 300 --output "$1" "$2"
    echo "$3  $1" | sha256sum --check --status || fail "sha256 of $2 is not $3; fix: set version and sha256 of the same release (terraform/README.md, 'What is pinned')"
}

install_programs() {
    local work
    work=$(mktemp -d)
    download "$work/k3s" "$K3S_URL" "$K3S_SHA256"
    download "$work/shim.tgz" "$SHIM_URL" "$SHIM_SHA256"
    tar -xzf "$work/shim.tgz" -C "$work" containerd-shim-spin-v2
    mkdir -p "$bin"
    # Before K3s starts: it configures the containerd runtime `spin` only if it finds the shim in its path then.
    install -m 0755 "$work/containerd-shim-spin-v2" "$work/k3s" "$bin"
    ln -sf k3s "$bin/kubectl"
    rm -r "$work"
}

write_token() { aws ssm get-parameter --region "$REGION" --name "$1" --with-decryption --query Parameter.Value --output text >"$2"; }

list() {
    local key=$1 item
    [[ -n $2 ]] || return 0
    echo "$key:"
    for item in ${2//,/ }; do echo "  - \"$item\""; done
}

write_config() {
    mkdir -p "${config%/*}" "$ROOT/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"
    # At shutdown the node stops its pods in order, so that scaling in interrupts no requests.
    cat >"$ROOT/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/10-shutdown.conf" <<'CONF'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
shutdownGracePeriod: 60s
shutdownGracePeriodCriticalPods: 20s
CONF
    retry write_token "$AGENT_TOKEN" "${config%/*}/agent-token"
    {
        list node-label "${NODE_LABELS:-}"
        list node-taint "${NODE_TAINTS:-}"
        echo 'kubelet-arg: ["system-reserved=cpu=200m,memory=300Mi"]' # a list of one argument, which contains a comma
        if $creates_cluster; then echo "cluster-init: true"; else echo "server: https://$API:6443"; fi
    } >"$config"
    if [[ $ROLE == agent ]]; then
        echo "token-file: /etc/rancher/k3s/agent-token" >>"$config"
        return
    fi
    retry write_token "$SERVER_TOKEN" "${config%/*}/token"
    cat >>"$config" <<CONF
token-file: /etc/rancher/k3s/token
agent-token-file: /etc/rancher/k3s/agent-token
tls-san:
  - $API
secrets-encryption: true
write-kubeconfig-mode: "0600"
etcd-s3: true
etcd-s3-bucket: $BUCKET
etcd-s3-region: $REGION
etcd-s3-folder: etcd
etcd-snapshot-schedule-cron: "0 */6 * * *"
etcd-snapshot-retention: 28
CONF
}

api_answers() { curl --silent --insecure --output /dev/null --max-time 5 "https://$API:6443/cacerts"; }

# With the kubelet's own credentials, which may read its own Node.
node_ready() {
    local ready
    ready=$("$bin/k3s" kubectl --kubeconfig "$ROOT/var/lib/rancher/k3s/agent/kubelet.kubeconfig" get node "${HOSTNAME,,}" \
        -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
    [[ $ready == True ]]
}

# The object cluster-begun marks that the cluster was created. It is counted, because `head-object` fails with 403 as
# well as 404, and an error must not be taken for "not created".
was_created() {
    local count
    count=$(aws s3api list-objects-v2 --region "$REGION" --bucket "$BUCKET" --prefix cluster-begun --query KeyCount --output text) ||
        fail "cannot list bucket $BUCKET; fix: allow the server's role to list it, then replace this server"
    [[ $count != 0 ]]
}

write_unit() {
    local service=$1 type=$2
    mkdir -p "$units"
    cat >"$units/$service.service" <<UNIT
[Unit]
Description=K3s $ROLE
Wants=network-online.target
After=network-online.target

[Service]
Type=$type
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s $ROLE
# Pods keep running while K3s restarts.
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
}

# Auto Scaling terminates instances without informing Kubernetes. Removing a server's Node also removes its etcd member.
schedule_sweep() {
    install -m 0755 "$ROOT/opt/items/node/sweep-nodes.sh" "$bin/sweep-nodes"
    cat >"$units/sweep-nodes.service" <<UNIT
[Unit]
Description=Remove nodes whose instance no longer exists
[Service]
Type=oneshot
Environment=REGION=$REGION
ExecStart=/usr/local/bin/sweep-nodes
UNIT
    cat >"$units/sweep-nodes.timer" <<'UNIT'
[Unit]
Description=Remove nodes whose instance no longer exists
[Timer]
OnBootSec=15min
OnUnitActiveSec=10min
[Install]
WantedBy=timers.target
UNIT
    systemctl enable --now sweep-nodes.timer
}

# With `bash`, because S3 does not preserve permissions.
install_platform() { KUBECONFIG=$ROOT/etc/rancher/k3s/k3s.yaml bash "$ROOT/opt/items/node/spinkube/platform/install.sh"; }

# Auto Scaling only checks whether the instance runs. An agent that is not Ready after ten minutes therefore powers
# itself off, and is replaced. The rolling refresh counts an agent only after a longer warm-up (modules/agents).
if [[ $ROLE == agent ]]; then shutdown --poweroff +10; fi

install_programs
# Only the first server may create the cluster, and only if no server answers: a name must not have two clusters.
creates_cluster=false
if [[ ${FIRST:-} == true ]] && ! api_answers; then creates_cluster=true; fi
write_config
if [[ $ROLE == agent ]]; then
    write_unit k3s-agent exec
    systemctl enable --now k3s-agent
    retry node_ready
    shutdown -c
    say "agent ready"
    exit
fi

write_unit k3s notify
# Before the check below, because a server on which a snapshot is restored needs these files too.
retry aws s3 sync --region "$REGION" --only-show-errors "s3://$BUCKET/node" "$ROOT/opt/items/node"
schedule_sweep
if $creates_cluster && was_created; then
    fail "this cluster was created before, but no server answers; fix: restore a snapshot (terraform/README.md, 'Lost all servers')"
fi
retry systemctl enable --now k3s
if $creates_cluster; then
    retry aws s3api put-object --region "$REGION" --bucket "$BUCKET" --key cluster-begun >/dev/null
    retry install_platform
    say "cluster created, platform installed"
else
    say "joined the cluster"
fi
