source "$WORKSHOP_LIBRARY/members.sh"
if ! has_begun_keeping_data; then exit 0; fi
lost=()
for node in node1 node2 node3; do
  if has_kept_data "$node"; then lost+=("$node"); fi
done
if [ ${#lost[@]} -gt 1 ]; then
  etcdlab down
  for node in "${lost[@]}"; do put_back_data "$node"; done
elif [ ${#lost[@]} -eq 1 ]; then
  node=${lost[0]}
  put_back_member "$node" "$(awk -F ', ' -v name="$node" '$3 == name { print $1 }' "$WORKSHOP_NOTES/members")"
fi
etcdlab up
