source "$WORKSHOP_LIBRARY/members.sh"
begin_keeping_data

setting() { # NODE KEY: what the member's configuration says
  sed -n "s/^$2: \"\(.*\)\"$/\1/p" "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1/etcd.conf.yml"
}
# Written through the member that is saved: another could be ahead of it.
export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
etcdctl put workshop/config/mode normal
etcdctl snapshot save nightly.db

# What an application has watched since, change by change; each is a revision of its own.
for i in $(seq 30); do etcdctl put workshop/config/mode "step-$i" > /dev/null; done
etcdctl get workshop/config/mode -w fields | sed -n 's/^"ModRevision" : //p' > seen-revision
cp seen-revision "$WORKSHOP_NOTES/seen-revision"

token=restored-$(date +%s)
# Restored as most people do it, and then somebody changes the mode.
etcdlab down
for node in node1 node2 node3; do
  keep_data "$node"
  etcdutl snapshot restore nightly.db --name "$node" --data-dir "$(data_of "$node")" \
    --initial-cluster "$(setting "$node" initial-cluster)" --initial-cluster-token "$token" \
    --initial-advertise-peer-urls "$(setting "$node" initial-advertise-peer-urls)"
done
etcdlab up
etcdctl put workshop/config/mode maintenance
