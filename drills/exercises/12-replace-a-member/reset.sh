if [ ! -e "$WORKSHOP_NOTES/id" ]; then exit 0; fi
node=$(cat "$WORKSHOP_NOTES/node")
id=$(cat "$WORKSHOP_NOTES/id")
place=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node
if [ -d "$place/data.before-the-exercise" ]; then
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
    *$'\n'"$id, "*)
      # It is still a member under its old ID: its disk was only away.
      rm -rf "$place/data"
      mv "$place/data.before-the-exercise" "$place/data"
      ;;
    *)
      # Nobody may come back who was removed.
      case $list in *", $node, "*) ;; *) etcdlab replace "$node" --yes ;; esac
      rm -rf "$place/data.before-the-exercise"
      ;;
  esac
fi
etcdlab up
