etcdctl put workshop/known 'acknowledged by a majority'
