# 1. Comparisons, what to do if they hold, what to do if not: an empty line ends each.
cat > transfer.txt <<'TXN'
value("workshop/account/alice") = "100"

put workshop/account/alice 70
put workshop/account/bob 80

put workshop/account/refused yes

TXN
etcdctl txn < transfer.txt

# 2. Alice has 70 now: this time it is the other list.
etcdctl txn < transfer.txt

# 3. The lock is held as long as the command runs.
etcdctl lock workshop/mutex -- sh -c 'etcdctl put workshop/holder "$ETCD_LOCK_KEY"'
