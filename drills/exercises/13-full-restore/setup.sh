# Nobody's kept data is overwritten, or taken for that of this exercise.
for node in node1 node2 node3; do
  kept=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node/data.before-the-exercise
  if [ -e "$kept" ]; then
    echo "$kept was left by an earlier exercise: see what it is, and move it elsewhere" >&2
    exit 1
  fi
done
touch "$WORKSHOP_NOTES/begun"

# Written through the member that is saved: another could be ahead of it.
export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
for i in 1 2 3 4 5; do etcdctl put "workshop/invoices/$i" "paid $i"; done
etcdctl snapshot save nightly.db
etcdctl put workshop/invoices/6 'after the snapshot'
etcdctl member list > "$WORKSHOP_NOTES/members"

# The disaster. Nothing is deleted: reset.sh puts it back.
etcdlab down
for node in node1 node2 node3; do
  place=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node
  mv "$place/data" "$place/data.before-the-exercise"
done
