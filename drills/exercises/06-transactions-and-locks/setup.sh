etcdctl put workshop/account/alice 100
etcdctl put workshop/account/bob 50
