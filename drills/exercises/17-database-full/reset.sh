# The members get their own configuration again, and room.
etcdlab up
etcdctl del --prefix workshop/filler/
revision=$(etcdctl get -w fields workshop/orders/1 | sed -n 's/^"Revision" : //p')
etcdctl compact --physical "$revision" || true # it may be compacted there already
etcdctl defrag --cluster
etcdctl alarm disarm
