# A setup that has refused has changed nothing.
if [ ! -e "$WORKSHOP_NOTES/begun" ]; then exit 0; fi
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
  # Who is a member, the other two say; without their answer nothing is removed.
  etcdlab stop "$node"
  for other in node1 node2 node3; do
    if [ "$other" != "$node" ]; then etcdlab start "$other"; fi
  done
  deadline=$((SECONDS + 30))
  until list=$(etcdctl member list); do
    if ((SECONDS > deadline)); then exit 1; fi
    sleep 0.5
  done
  case $'\n'$list in
    # It is still a member under its old ID: its disk was only away.
    *$'\n'"$id, "*) put_back "$node" ;;
    *)
      # Nobody may come back who was removed.
      case $list in *", $node, "*) ;; *) etcdlab replace "$node" --yes ;; esac
      rm -rf "$(place "$node")/data.before-the-exercise"
      ;;
  esac
fi
etcdlab up
