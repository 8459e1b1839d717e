# A setup that has refused has changed nothing.
if [ ! -e "$WORKSHOP_NOTES/begun" ]; then exit 0; fi
# The data from before the exercise comes back; what was restored in its place goes.
etcdlab down
for node in node1 node2 node3; do
  place=$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$node
  if [ -d "$place/data.before-the-exercise" ]; then
    rm -rf "$place/data"
    mv "$place/data.before-the-exercise" "$place/data"
  fi
  rm -rf "$place/data.wrong"
done
etcdlab up
