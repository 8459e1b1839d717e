# One sound snapshot and four that must not be relied upon; which is which is drawn.
# Written through the member that is saved: another could be ahead of it.
export ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS%%,*}
save() { etcdctl snapshot save "$1"; }
etcdctl put workshop/orders/1 'one table'
etcdctl put workshop/orders/2 'four chairs'
save "$WORKSHOP_NOTES/old.db"
etcdctl put workshop/orders/3 'a lamp'
save "$WORKSHOP_NOTES/good.db"

cd "$WORKSHOP_NOTES"
bytes=$(wc -c < good.db)
head -c $((bytes - 5000)) good.db > cut.db
cp good.db flipped.db
printf '\377' | dd of=flipped.db bs=1 seek=$((bytes / 2 + 17)) conv=notrunc 2> /dev/null
head -c $((bytes - 32)) good.db > unchecked.db

kinds=(good old cut flipped unchecked)
for day in monday tuesday wednesday thursday friday; do
  i=$((RANDOM % ${#kinds[@]}))
  kind=${kinds[i]}
  mv "$kind.db" "$WORKSHOP_DIR/$day.db"
  kinds=("${kinds[@]:0:i}" "${kinds[@]:i+1}")
  case $kind in
    cut | flipped) echo damaged > "$day" ;;
    *) echo "$kind" > "$day" ;;
  esac
done
