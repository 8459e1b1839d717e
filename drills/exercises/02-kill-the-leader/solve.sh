# 1. The role stands in the table, once everybody has answered.
who_leads() { etcdlab status | awk '/ leader /{ print $1 }'; }
until leader=$(who_leads); [ -n "$leader" ]; do sleep 0.2; done
etcdctl put workshop/leader/before "$leader"

# 2. Take it away.
etcdlab stop "$leader"

# 3. Two of three are a majority: once they have elected, writes go on.
until etcdctl put workshop/without 'it works'; do sleep 0.2; done
etcdlab status || true # it is not healthy, and says so with its exit code
until after=$(who_leads); [ -n "$after" ]; do sleep 0.2; done
etcdctl put workshop/leader/after "$after"

# 4. It comes back as a follower.
etcdlab start "$leader"
etcdctl endpoint status -w table
