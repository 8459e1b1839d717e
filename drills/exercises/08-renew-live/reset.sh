# The short-lived one must not stay, whatever has been done about it.
if [ -e "$WORKSHOP_NOTES/node" ]; then etcdlab certs renew "server-$(cat "$WORKSHOP_NOTES/node")"; fi
etcdlab up
