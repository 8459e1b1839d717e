# One that follows goes away, and nobody says which.
leader=$(etcdlab status | awk '/ leader /{ print $1 }')
followers=()
for node in node1 node2 node3; do
  if [ "$node" != "$leader" ]; then followers+=("$node"); fi
done
node=${followers[RANDOM % 2]}
etcdctl member list | awk -F ', ' -v name="$node" '$3 == name { print $1 }' > "$WORKSHOP_NOTES/id"
echo "$node" > "$WORKSHOP_NOTES/node"
etcdlab stop "$node"
