# 1. The lease stands in the key, in decimal; leases are named in hexadecimal.
lease=$(etcdctl get -w fields workshop/node/a | sed -n 's/^"Lease" : //p')
lease=$(printf %x "$lease")
etcdctl lease timetolive --keys "$lease"
etcdctl put workshop/answer/keys 4

# 2. All that hangs on it goes at once.
etcdctl lease revoke "$lease"

# 3. A lease of ten minutes.
session=$(etcdctl lease grant 600 | awk '{ print $2 }')
etcdctl put --lease="$session" workshop/session alive

# 4. Ten seconds, again and again.
heartbeat=$(etcdctl lease grant 10 | awk '{ print $2 }')
etcdctl lease keep-alive "$heartbeat" > keep-alive.txt &
etcdctl put --lease="$heartbeat" workshop/heartbeat here
