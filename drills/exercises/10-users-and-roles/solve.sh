# 1. What may be done: a role with a permission for each prefix.
etcdctl role add app
etcdctl role grant-permission --prefix=true app readwrite workshop/app/
etcdctl role grant-permission --prefix=true app read workshop/shared/

# 2. Who may do it. The password comes from standard input, not from the command line.
password=$(openssl rand -hex 12)
etcdctl user add app --interactive=false <<< "$password"
etcdctl user grant-role app app
# Known by the certificate alone, whose common name is root.
etcdctl user add root --no-password
etcdctl user grant-role root root

# 3. From here on everybody is asked who they are.
etcdctl auth enable

# 4. As app: what is allowed, and what is not.
export ETCDCTL_PASSWORD=$password
etcdctl --user app put workshop/app/state running
etcdctl --user app get --prefix workshop/shared/
etcdctl --user app get workshop/secret 2> refused.txt || true
cat refused.txt
