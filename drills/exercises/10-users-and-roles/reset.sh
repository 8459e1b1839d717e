# Whoever was locked out as somebody else is root by the lab's certificate.
unset ETCDCTL_USER ETCDCTL_PASSWORD
if etcdctl auth status | grep -q 'Authentication Status: true'; then etcdctl auth disable; fi
for user in $(etcdctl user list); do etcdctl user delete "$user"; done
for role in $(etcdctl role list); do etcdctl role delete "$role"; done
