etcdlab up
