# 1. Who is it? The one that does not run; it cannot simply be started again either.
etcdlab status || true
node=$(etcdlab status | awk '$2 == "stopped" { print $1 }') || true
etcdlab start "$node" || true

# 2. Its ID, as the others know it.
etcdctl member list -w table
id=$(etcdctl member list | awk -F ', ' -v name="$node" '$3 == name { print $1 }')
etcdctl put workshop/id/old "$id"

# 3. Removed, added as a learner, started empty, promoted once it has caught up.
etcdlab replace "$node" --yes
etcdctl member list -w table
etcdctl put workshop/id/new "$(etcdctl member list | awk -F ', ' -v name="$node" '$3 == name { print $1 }')"

# 4. It has all that the others have.
etcdctl endpoint hashkv -w table
