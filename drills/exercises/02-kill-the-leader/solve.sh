# 1. The role stands in the table.
etcdlab status
leader=$(etcdlab status | awk '/ leader /{ print $1 }')
etcdctl put workshop/leader/before "$leader"

# 2. Take it away.
etcdlab stop "$leader"

# 3. Two of three are a majority: once they have elected, writes go on.
etcdctl put workshop/without 'it works'
etcdlab status || true # it is not healthy, and says so with its exit code
after=$(etcdlab status | awk '/ leader /{ print $1 }') || true
etcdctl put workshop/leader/after "$after"

# 4. It comes back as a follower.
etcdlab start "$leader"
etcdctl endpoint status -w table
