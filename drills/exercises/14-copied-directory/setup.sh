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
  for i in 1 2 3; do etcdctl put "workshop/stock/$i" "shelf $i"; done
  etcdctl snapshot save nightly.db
)
etcdctl member list > "$WORKSHOP_NOTES/members"

etcdlab down
for node in node1 node2 node3; do
  mv "$(place "$node")/data" "$(place "$node")/data.before-the-exercise"
done
# What somebody in a hurry has done: restored once, and copied to all.
etcdutl snapshot restore nightly.db --data-dir "$(place node1)/data"
cp -R "$(place node1)/data" "$(place node2)/data"
cp -R "$(place node1)/data" "$(place node3)/data"
etcdlab start node1
etcdlab start node2
# With the last one the lab would be waited for to be healthy, which it will not be.
etcdlab start node3 &
until ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS##*,} etcdctl --command-timeout 1s get workshop/stock/1; do sleep 0.2; done
kill $!
wait $! || true
