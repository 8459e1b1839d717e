# 1. Writes are refused, reads are not; the alarm says who is full.
etcdctl put workshop/again yes || true
etcdctl get workshop/orders/1
etcdctl alarm list | tee alarms.txt
etcdctl endpoint status -w table

# 2. Delete; forget the old revisions; write the files anew.
etcdctl del --prefix workshop/filler/
revision=$(etcdctl get -w fields workshop/orders/1 | sed -n 's/^"Revision" : //p')
etcdctl compact --physical "$revision"
etcdctl defrag --cluster
etcdctl endpoint status -w table

# 3. Only now can the alarm go for good.
etcdctl alarm disarm
etcdctl put workshop/again yes
