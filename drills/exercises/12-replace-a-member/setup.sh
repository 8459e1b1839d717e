# Nobody's kept data is overwritten, or taken for that of this exercise.
for node in node1 node2 node3; do
  kept=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node/data.before-the-exercise
  if [ -e "$kept" ]; then
    echo "$kept was left by an earlier exercise: see what it is, and move it elsewhere" >&2
    exit 1
  fi
done
touch "$WORKSHOP_NOTES/begun"

nodes=(node1 node2 node3)
node=${nodes[RANDOM % 3]}
echo "$node" > "$WORKSHOP_NOTES/node"
etcdctl put workshop/before "written while $node was well"
id=$(etcdctl member list | awk -F ', ' -v name="$node" '$3 == name { print $1 }')
echo "$id" > "$WORKSHOP_NOTES/id"

# The disk dies with the member. reset.sh needs the data in case nobody replaces the member.
etcdlab stop "$node"
place=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node
mv "$place/data" "$place/data.before-the-exercise"
until etcdctl put workshop/after "written while $node was down"; do sleep 0.2; done
