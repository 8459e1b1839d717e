# Whoever was stopped runs again; the member that is wrong joins anew, unless that was done. A start waits until all is
# well, which it is not while one is wrong: only those that do not run are started.
etcdlab status > "$WORKSHOP_NOTES/status" || true
for node in $(awk '/ (stopped|exited) /{ print $1 }' "$WORKSHOP_NOTES/status"); do etcdlab start "$node" || true; done
if [ -e "$WORKSHOP_NOTES/member" ] && ! etcdlab status; then
  etcdlab replace "$(cat "$WORKSHOP_NOTES/member")" --yes
fi
etcdlab up
