# 1. All changes since the key was created: the highest is 170.
revision() { etcdctl get -w fields workshop/price | sed -n "s/^\"$1\" : //p"; }
created=$(revision CreateRevision)
changed=$(revision ModRevision)
etcdctl watch --rev="$created" workshop/price > history.txt &
watch=$!
until grep -q 120 history.txt; do sleep 0.1; done
kill "$watch"
cat history.txt
etcdctl put workshop/answer/highest 170

# 2. Forget what was before the price of today.
etcdctl compact "$changed"
# Answered once every member has applied it.
etcdctl endpoint health

# 3. This watch cannot keep its promise any more, and says so.
etcdctl watch --rev="$created" workshop/price > compacted.txt 2>&1 || true
cat compacted.txt
