# What a member shows to its clients. The connection ends without a certificate of ours; that does not matter here.
served() {
  openssl s_client -connect "$1" < /dev/null 2> /dev/null | openssl x509 || true
}

# 1. Whose certificate ends first? The toolkit knows the files, the members themselves know what they serve.
etcdlab certs list
for endpoint in ${ETCDCTL_ENDPOINTS//,/ }; do
  certificate=$(served "${endpoint#https://}")
  openssl x509 -noout -subject -enddate <<< "$certificate"
  if ! openssl x509 -noout -checkend 604800 <<< "$certificate" > /dev/null; then
    node=$(openssl x509 -noout -subject -nameopt multiline <<< "$certificate" | sed -n 's/^ *commonName *= //p')
    address=${endpoint#https://}
  fi
done
etcdctl put workshop/expiring "$node"

# 2. Renewed, with a new key. Nobody is restarted.
etcdlab certs renew "server-$node"

# 3. What the member serves now, not what lies on the disk.
serial=$(served "$address" | openssl x509 -noout -serial)
etcdctl put workshop/serial "${serial#serial=}"
