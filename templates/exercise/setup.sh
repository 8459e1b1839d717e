etcdctl put workshop/question 21
