place() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1"; }
setting() { # NODE KEY: what the member's configuration says
  sed -n "s/^$2: \"\(.*\)\"$/\1/p" "$(place "$1")/etcd.conf.yml"
}

# 1. All are healthy. But each knows only itself, and what one is told, the others never hear.
etcdctl endpoint health || true
for endpoint in ${ETCDCTL_ENDPOINTS//,/ }; do ETCDCTL_ENDPOINTS=$endpoint etcdctl member list; done
ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*} etcdctl put workshop/stock/4 'only here'
ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS##*,} etcdctl get workshop/stock/4

# 2. Stopped before anybody writes more to one of them; what is wrong is moved aside, not deleted.
etcdlab down
token=restored-$(date +%s)
for node in node1 node2 node3; do
  mv "$(place "$node")/data" "$(place "$node")/data.wrong"
  # 3. Restored for each member: its own name and address, all members, one new token.
  etcdutl snapshot restore nightly.db \
    --name "$node" \
    --initial-cluster "$(setting "$node" initial-cluster)" \
    --initial-cluster-token "$token" \
    --initial-advertise-peer-urls "$(setting "$node" initial-advertise-peer-urls)" \
    --data-dir "$(setting "$node" data-dir)"
done
etcdlab up

# 4. One cluster of three; the wrong directories may go.
etcdctl member list -w table
etcdctl endpoint hashkv -w table
etcdctl put workshop/clusters 3
for node in node1 node2 node3; do rm -r "$(place "$node")/data.wrong"; done
