# 1. One stays; a leader who stays would only find out that it is none any more.
until etcdlab status > status.txt; do sleep 0.2; done
cat status.txt
survivor=$(awk '/ follower /{ print $1; exit }' status.txt)
others=$(awk -v not="$survivor" '/ (leader|follower) / && $1 != not { print $1 }' status.txt)
for node in $others; do etcdlab stop "$node"; done

# 2. An ordinary read wants to ask a majority. A serializable one asks nobody.
etcdlab ctl --node "$survivor" --command-timeout=2s get workshop/known || true
etcdlab ctl --node "$survivor" get --consistency=s workshop/known > survivor.txt
cat survivor.txt

# 3. Nobody can accept a write.
! etcdlab ctl --node "$survivor" --command-timeout=2s put workshop/refused anything 2> refused.txt
cat refused.txt

# 4. With the others, all is as it was.
for node in $others; do etcdlab start "$node"; done
until etcdctl put workshop/again yes; do sleep 0.2; done
