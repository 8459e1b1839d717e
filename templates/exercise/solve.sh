# Read the number, and put its double.
question=$(etcdctl get --print-value-only workshop/question)
etcdctl put workshop/answer "$((question * 2))"
