source "$WORKSHOP_LIBRARY/members.sh"
begin_keeping_data

# Written through the member that is saved: another could be ahead of it.
export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
for i in 1 2 3 4 5; do etcdctl put "workshop/invoices/$i" "paid $i"; done
etcdctl snapshot save nightly.db
etcdctl put workshop/invoices/6 'after the snapshot'
etcdctl member list > "$WORKSHOP_NOTES/members"

# The disaster. Nothing is deleted: reset.sh puts it back.
etcdlab down
for node in node1 node2 node3; do keep_data "$node"; done
