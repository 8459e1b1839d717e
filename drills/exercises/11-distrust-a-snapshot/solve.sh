# 1. A snapshot comes from one member, so one endpoint is named.
ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*} etcdctl snapshot save mine.db
etcdutl snapshot status mine.db -w table
revision=$(etcdutl snapshot status mine.db -w fields | sed -n 's/^"Revision" : //p')
etcdctl put workshop/mine "$revision"

# 2. What must be in it: the last order.
needed=$(etcdctl get workshop/orders/3 -w fields | sed -n 's/^"ModRevision" : //p')

for day in monday tuesday wednesday thursday friday; do
  if ! status=$(etcdutl snapshot status "$day.db" -w fields); then
    word=damaged
  elif ! why=$(etcdutl snapshot restore "$day.db" --data-dir "scratch-$day" 2>&1); then
    echo "$why"
    case $why in
      *'missing hash'*) word=unchecked ;; # it could be read, but nothing proves that its bytes are those that were saved
      *) word=damaged ;;
    esac
  elif (($(sed -n 's/^"Revision" : //p' <<< "$status") < needed)); then
    word=old
  else
    word=good
  fi
  etcdctl put "workshop/file/$day" "$word"
done
rm -rf scratch-*
