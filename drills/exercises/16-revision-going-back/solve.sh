setting() { # NODE KEY: what the member's configuration says
  sed -n "s/^$2: \"\(.*\)\"$/\1/p" "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1/etcd.conf.yml"
}
seen=$(cat seen-revision)

# 1. The cluster is behind what the watcher has seen already. The watcher goes on after it, and is told nothing.
etcdctl endpoint status -w fields | grep '"Revision"'
echo "the watcher has seen revision $seen"
etcdctl watch --rev=$((seen + 1)) workshop/config/mode > watched &
watching=$!
sleep 1
kill "$watching"
wait "$watching" || true
etcdctl get --print-value-only workshop/config/mode | tee missed.txt

# 2. The same restore once more, but with revisions that nobody has seen, and all before them compacted.
etcdlab down
token=again-$(date +%s)
for node in node1 node2 node3; do
  data=$(setting "$node" data-dir)
  mv "$data" "$data.first-restore"
  etcdutl snapshot restore nightly.db --name "$node" --data-dir "$data" \
    --initial-cluster "$(setting "$node" initial-cluster)" --initial-cluster-token "$token" \
    --initial-advertise-peer-urls "$(setting "$node" initial-advertise-peer-urls)" \
    --bump-revision 1000000 --mark-compacted
done
etcdlab up

# 3. Now the watcher is told that it has missed something, and can read everything anew.
etcdctl watch --rev=$((seen + 1)) workshop/config/mode > told.txt 2>&1 || true
cat told.txt
for node in node1 node2 node3; do rm -r "$(setting "$node" data-dir).first-restore"; done
