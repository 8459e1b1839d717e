place() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1"; }
setting() { # NODE KEY: what the member's configuration says
  sed -n "s/^$2: \"\(.*\)\"$/\1/p" "$(place "$1")/etcd.conf.yml"
}

# 1. Look before you do anything: who runs, and who knows whom?
etcdlab status || true
alive=$(etcdctl endpoint health 2>&1 | grep -c 'is healthy') || true

if [ "$alive" = 2 ]; then
  # 2a. A majority is left, and holds all that was acknowledged. Nothing is restored; one member is replaced.
  node=$(etcdlab status | awk '$2 == "stopped" { print $1 }') || true
  etcdlab replace "$node" --yes
else
  # 2b. Nobody is left, or each is alone: all members are restored, from one file, under a new token.
  etcdlab down
  token=exam-$(date +%s)
  for node in node1 node2 node3; do
    if [ -d "$(place "$node")/data" ]; then mv "$(place "$node")/data" "$(place "$node")/data.wrong"; fi
    etcdutl snapshot restore nightly.db --name "$node" --data-dir "$(setting "$node" data-dir)" \
      --initial-cluster "$(setting "$node" initial-cluster)" --initial-cluster-token "$token" \
      --initial-advertise-peer-urls "$(setting "$node" initial-advertise-peer-urls)"
  done
  etcdlab up
  for node in node1 node2 node3; do rm -rf "$(place "$node")/data.wrong"; done
fi

# 3. Prove it: one member list, the accounts on every member, one hash, and a write.
etcdctl member list -w table
for endpoint in ${ETCDCTL_ENDPOINTS//,/ }; do
  ETCDCTL_ENDPOINTS=$endpoint etcdctl get --consistency=s --prefix workshop/exam/
done
etcdctl endpoint hashkv -w table
etcdctl put workshop/exam/signed "the operator"
