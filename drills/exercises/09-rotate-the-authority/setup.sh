# Something for everyone to go on writing, and what is signed today.
etcdctl put workshop/orders/1 'before the rotation'
openssl x509 -in "$ETCDCTL_CERT" -noout -serial > "$WORKSHOP_NOTES/old-serial"
openssl x509 -in "$ETCDCTL_CACERT" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' ' > "$WORKSHOP_NOTES/old-authority"
