# 1. All of them are fine, they say.
etcdctl endpoint health

# 2. One is alone with its hash, and with what it has.
etcdctl endpoint hashkv -w table
for node in node1 node2 node3; do
  hash=$(etcdlab ctl --node "$node" endpoint hashkv | awk -F ', ' '{ print $2 }')
  echo "$node $hash $(etcdlab ctl --node "$node" get --consistency=s --print-value-only workshop/account/bob)"
done | tee hashes.txt
alone=$(awk '{ count[$2]++; node[$2] = $1 } END { for (hash in count) if (count[hash] == 1) print node[hash] }' hashes.txt)
etcdctl put workshop/answer/member "$alone"

# 3. It joins anew.
etcdlab replace "$alone" --yes
etcdctl endpoint hashkv -w table
