# 1. What is in the file? Nothing is restored that was not looked at.
etcdutl snapshot status nightly.db -w table

# 2. The same file for every member, with its own name and address, and one new token for all.
setting() { # NODE KEY: what the member's configuration says
  sed -n "s/^$2: \"\(.*\)\"$/\1/p" "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1/etcd.conf.yml"
}
token=restored-$(date +%s)
for node in node1 node2 node3; do
  etcdutl snapshot restore nightly.db \
    --name "$node" \
    --initial-cluster "$(setting "$node" initial-cluster)" \
    --initial-cluster-token "$token" \
    --initial-advertise-peer-urls "$(setting "$node" initial-advertise-peer-urls)" \
    --data-dir "$(setting "$node" data-dir)"
done

# 3. All of them start; they find each other as members of the new cluster.
etcdlab up

# 4. Healthy is not enough: is everything there, on every member?
etcdctl member list -w table
for endpoint in ${ETCDCTL_ENDPOINTS//,/ }; do
  ETCDCTL_ENDPOINTS=$endpoint etcdctl get --consistency=s --prefix --keys-only workshop/invoices/
done
etcdctl endpoint hashkv
etcdctl put workshop/lost workshop/invoices/6
