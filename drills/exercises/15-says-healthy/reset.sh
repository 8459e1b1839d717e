# Whoever was stopped runs again; the member that is wrong joins anew, unless that was done.
for node in node1 node2 node3; do etcdlab start "$node" || true; done
if [ -e "$WORKSHOP_NOTES/member" ] && ! etcdlab status; then
  etcdlab replace "$(cat "$WORKSHOP_NOTES/member")" --yes
fi
etcdlab up
