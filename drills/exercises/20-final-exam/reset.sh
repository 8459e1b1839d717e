place() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1"; }
put_back() {
  rm -rf "$(place "$1")/data"
  mv "$(place "$1")/data.before-the-exercise" "$(place "$1")/data"
}
lost=()
for node in node1 node2 node3; do
  if [ -d "$(place "$node")/data.before-the-exercise" ]; then lost+=("$node"); fi
done
if [ ${#lost[@]} -gt 1 ]; then
  etcdlab down
  for node in node1 node2 node3; do
    if [ -d "$(place "$node")/data.before-the-exercise" ]; then put_back "$node"; fi
  done
elif [ ${#lost[@]} -eq 1 ]; then
  node=${lost[0]}
  id=$(awk -F ', ' -v name="$node" '$3 == name { print $1 }' "$WORKSHOP_NOTES/members")
  if etcdctl member list | grep -q "^$id,"; then
    # It is still a member under its old ID: its disk was only away.
    etcdlab stop "$node"
    put_back "$node"
  else
    # Nobody may come back who was removed.
    rm -rf "$(place "$node")/data.before-the-exercise"
    if ! etcdctl member list | grep -q ", $node,"; then etcdlab replace "$node" --yes; fi
  fi
fi
etcdlab up
