nodes=$(etcdctl lease grant 3600 | awk '{ print $2 }')
other=$(etcdctl lease grant 3600 | awk '{ print $2 }')
for key in node/a node/b node/c settings/color; do
  etcdctl put --lease="$nodes" "workshop/$key" up
done
etcdctl put --lease="$other" workshop/other up
