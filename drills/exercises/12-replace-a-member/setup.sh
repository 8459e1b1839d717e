source "$WORKSHOP_LIBRARY/members.sh"
begin_keeping_data

nodes=(node1 node2 node3)
node=${nodes[RANDOM % 3]}
etcdctl put workshop/before "written while $node was well"
etcdctl member list | awk -F ', ' -v name="$node" '$3 == name { print $1 }' > "$WORKSHOP_NOTES/id"
echo "$node" > "$WORKSHOP_NOTES/node"

# The disk dies with the member. reset.sh needs the data in case nobody replaces the member.
etcdlab stop "$node"
keep_data "$node"
until etcdctl put workshop/after "written while $node was down"; do sleep 0.2; done
