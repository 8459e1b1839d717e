source "$WORKSHOP_LIBRARY/members.sh"
begin_keeping_data

# Written through the member that is saved: another could be ahead of it.
(
  export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
  for i in 1 2 3; do etcdctl put "workshop/stock/$i" "shelf $i"; done
  etcdctl snapshot save nightly.db
)
etcdctl member list > "$WORKSHOP_NOTES/members"

etcdlab down
for node in node1 node2 node3; do keep_data "$node"; done
copy_one_restore nightly.db workshop/stock/1
