source "$WORKSHOP_LIBRARY/members.sh"
for order in 1 2 3; do etcdctl put "workshop/orders/$order" 'one etcd, please'; done

# The quota is a little above what the largest database has now.
size=$(etcdctl endpoint status -w fields | sed -n 's/^"DBSize" : //p' | sort -n | tail -n 1)
quota=$((size + 4 * 1024 * 1024))
for node in node1 node2 node3; do
  on "$node" sh -c 'echo "quota-backend-bytes: $1" >> "$2"' sh "$quota" "$(config_of "$node")"
  etcdlab restart "$node"
done

# Until it is full. The last put is the one that does not fit.
for filler in 1 2 3 4 5 6 7 8 9 10 11 12; do
  head -c 1000000 /dev/zero | tr '\0' "$((filler % 10))" | etcdctl put "workshop/filler/$filler" || break
done
alarms=$(etcdctl alarm list)
case $alarms in
  *NOSPACE*) ;;
  *)
    echo 'the database is not full' >&2
    exit 1
    ;;
esac
