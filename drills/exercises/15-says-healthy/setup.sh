source "$WORKSHOP_LIBRARY/members.sh"
etcdctl put workshop/account/alice 'balance=1000001'
etcdctl put workshop/account/bob 'balance=2000002'

# A follower: the leader would hand out its own data when another member joins.
until etcdlab status > "$WORKSHOP_NOTES/status"; do sleep 0.2; done
member=$(awk '/ follower /{ print $1; exit }' "$WORKSHOP_NOTES/status")
echo "$member" > "$WORKSHOP_NOTES/member"
etcdlab stop "$member"
on "$member" env LC_ALL=C perl -pi -e 's/balance=2000002/balance=9000009/g' "$(data_of "$member")/member/snap/db"
# `start` would wait for the comparison of all members, which does not come true.
etcdlab start "$member" &
starting=$!
until etcdlab ctl --node "$member" endpoint health; do sleep 0.2; done
kill "$starting"
wait "$starting" || true
