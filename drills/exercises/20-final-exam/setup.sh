source "$WORKSHOP_LIBRARY/members.sh"
begin_keeping_data

# Written through the member that is saved: another could be ahead of it.
(
  export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
  for i in 1 2 3 4 5; do etcdctl put "workshop/exam/account-$i" "balance $((i * 100))"; done
  etcdctl snapshot save nightly.db
)
etcdctl member list > "$WORKSHOP_NOTES/members"

# Which disaster it is, is drawn, and not announced.
nodes=(node1 node2 node3)
kinds=(disk all copied)
kind=${kinds[RANDOM % 3]}
echo "$kind" > "$WORKSHOP_NOTES/kind"
case $kind in
  disk)
    node=${nodes[RANDOM % 3]}
    etcdlab stop "$node"
    keep_data "$node"
    # Acknowledged after the snapshot, by the two that are left: it must not be lost.
    until etcdctl put workshop/exam/account-6 'balance 600'; do sleep 0.2; done
    ;;
  *)
    etcdlab down
    for node in "${nodes[@]}"; do keep_data "$node"; done
    ;;
esac
if [ "$kind" = copied ]; then copy_one_restore nightly.db workshop/exam/account-1; fi
date +%s > "$WORKSHOP_NOTES/since"
