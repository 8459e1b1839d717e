# Nobody's kept data is overwritten, or taken for that of this exercise.
for node in node1 node2 node3; do
  kept=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node/data.before-the-exercise
  if [ -e "$kept" ]; then
    echo "$kept was left by an earlier exercise: see what it is, and move it elsewhere" >&2
    exit 1
  fi
done
touch "$WORKSHOP_NOTES/begun"

place() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1"; }
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
    mv "$(place "$node")/data" "$(place "$node")/data.before-the-exercise"
    # Acknowledged after the snapshot, by the two that are left: it must not be lost.
    until etcdctl put workshop/exam/account-6 'balance 600'; do sleep 0.2; done
    ;;
  *)
    etcdlab down
    for node in "${nodes[@]}"; do mv "$(place "$node")/data" "$(place "$node")/data.before-the-exercise"; done
    ;;
esac
if [ "$kind" = copied ]; then
  etcdutl snapshot restore nightly.db --data-dir "$(place node1)/data"
  cp -R "$(place node1)/data" "$(place node2)/data"
  cp -R "$(place node1)/data" "$(place node3)/data"
  etcdlab start node1
  etcdlab start node2
  # With the last one the lab would be waited for to be healthy, which it will not be.
  etcdlab start node3 &
  until ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS##*,} etcdctl --command-timeout 1s get workshop/exam/account-1; do sleep 0.2; done
  kill $!
  wait $! || true
fi
date +%s > "$WORKSHOP_NOTES/since"
