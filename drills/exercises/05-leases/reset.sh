# With its lease goes whoever keeps it alive.
etcdctl get --prefix -w fields workshop/ | sed -n 's/^"Lease" : //p' | sort -u | while read -r lease; do
  if [ "$lease" != 0 ]; then etcdctl lease revoke "$(printf %x "$lease")"; fi
done
