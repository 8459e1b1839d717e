if [ ! -e "$WORKSHOP_NOTES/id" ]; then exit 0; fi
node=$(cat "$WORKSHOP_NOTES/node")
place=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node
if [ -d "$place/data.before-the-exercise" ]; then
  if etcdctl member list | grep -q "^$(cat "$WORKSHOP_NOTES/id"),"; then
    # It is still a member under its old ID: its disk was only away.
    etcdlab stop "$node"
    rm -rf "$place/data"
    mv "$place/data.before-the-exercise" "$place/data"
  else
    # Nobody may come back who was removed.
    rm -rf "$place/data.before-the-exercise"
    if ! etcdctl member list | grep -q ", $node,"; then etcdlab replace "$node" --yes; fi
  fi
fi
etcdlab up
