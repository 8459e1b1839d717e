# 1. What would a thief have? A certificate of today, and its key.
cp "$ETCDCTL_CERT" old.pem
cp "$ETCDCTL_KEY" old-key.pem
ETCDCTL_CERT=old.pem ETCDCTL_KEY=old-key.pem etcdctl get workshop/orders/1

# 2. Half-way: everybody trusts both authorities, and nothing new is signed yet.
etcdlab certs rotate-ca --until trust-both
trusted=$(grep -c 'BEGIN CERTIFICATE' "$ETCDCTL_CACERT")
etcdctl put workshop/trusted "$trusted"

# 3. The rest: certificates from the new authority, and only then the old one goes.
etcdlab certs rotate-ca

# 4. The old certificate is worthless, the cluster has not stopped.
ETCDCTL_CERT=old.pem ETCDCTL_KEY=old-key.pem etcdctl --command-timeout 3s get workshop/orders/1 || true
etcdctl put workshop/orders/2 'after the rotation'
etcdlab certs check || true
