metrics() { curl -sS --cacert "$ETCDCTL_CACERT" --cert "$ETCDCTL_CERT" --key "$ETCDCTL_KEY" "$1/metrics"; }

# 1. Each member speaks for itself: who leads, and does it know a leader at all?
for url in ${ETCDCTL_ENDPOINTS//,/ }; do
  echo "$url"
  answer=$(metrics "$url") || continue
  grep -E '^etcd_server_(is_leader|has_leader|leader_changes_seen_total)' <<< "$answer"
  if grep -q '^etcd_server_is_leader 1' <<< "$answer"; then leader=$url; fi
done
etcdctl put workshop/metrics/leader "$leader"

# 2. The leader knows whom it reaches: 1 for a peer that is connected, 0 for one that is not.
metrics "$leader" | grep '^etcd_network_active_peers'
# Members of earlier days are listed there as well: only those that still are members count.
peers=$(metrics "$leader" | grep '^etcd_network_active_peers{')
for id in $(etcdctl member list | cut -d , -f 1); do
  case $peers in *"Remote=\"$id\"} 0"*) missing=$id ;; esac
done
etcdctl put workshop/metrics/missing "$missing"

# 3. Two of three are the majority: not one more may go.
etcdctl put workshop/metrics/spare 0

# 4. The member list has the name to the ID.
etcdlab start "$(etcdctl member list | awk -F ', ' -v id="$missing" '$1 == id { print $3 }')"
metrics "$leader" | grep '^etcd_network_active_peers'
