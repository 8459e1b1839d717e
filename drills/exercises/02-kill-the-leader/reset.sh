# Whoever was stopped is started again.
etcdlab up
