# kubelet.sh MANIFEST NOTES: what a kubelet does with a static pod, as far as this exercise needs it. It runs the command
# of the manifest, on the folder of its hostPath; stops it when the manifest goes, and starts it anew when it changes.
set -u
manifest=$1
notes=$2
pid=

stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2> /dev/null
    wait "$pid" 2> /dev/null
    pid=
  fi
}
trap 'stop; exit 0' TERM INT

# run MANIFEST: etcd with the arguments of the manifest, and the folder of the host in the place of the container's.
run() {
  local mount host argument arguments=()
  mount=$(awk '$1 == "mountPath:" || $2 == "mountPath:" { print $NF; exit }' "$1")
  host=$(awk '$1 == "path:" { print $2; exit }' "$1" | tr -d "\"'")
  while IFS= read -r argument; do
    arguments+=("${argument/#--data-dir=$mount/--data-dir=$host}")
  done < <(sed -n 's/^ *- \(--[a-z].*[^ ]\) *$/\1/p' "$1")
  mkdir -p "$host" && chmod 700 "$host"
  etcd "${arguments[@]}" >> "$notes/etcd.log" 2>&1 &
  pid=$!
}

while :; do
  if [ ! -e "$manifest" ]; then
    stop
    rm -f "$notes/running.yaml"
  elif ! cmp -s "$manifest" "$notes/running.yaml"; then
    stop
    cp "$manifest" "$notes/running.yaml"
    run "$notes/running.yaml"
  elif [ -n "$pid" ] && ! kill -0 "$pid" 2> /dev/null; then
    # It has ended by itself: a kubelet tries again, after a while.
    sleep 1
    run "$notes/running.yaml"
  fi
  # For the check, which sees the lab only.
  if ETCDCTL_ENDPOINTS=$(cat "$notes/endpoint") etcdctl --command-timeout 1s get --prefix --keys-only /registry/ \
    > "$notes/served.new" 2> /dev/null; then
    mv "$notes/served.new" "$notes/served"
  else
    rm -f "$notes/served"
  fi
  sleep 0.3
done
