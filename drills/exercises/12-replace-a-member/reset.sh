source "$WORKSHOP_LIBRARY/members.sh"
if [ ! -e "$WORKSHOP_NOTES/node" ]; then exit 0; fi
node=$(cat "$WORKSHOP_NOTES/node")
if has_kept_data "$node"; then put_back_member "$node" "$(cat "$WORKSHOP_NOTES/id")"; fi
etcdlab up
