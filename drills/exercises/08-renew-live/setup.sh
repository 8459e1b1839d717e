# One member, nobody knows which, gets a server certificate that ends within a day; its key and its names stay.
pki=$(dirname "$ETCDCTL_CACERT")
nodes=(node1 node2 node3)
node=${nodes[RANDOM % 3]}
names=$(openssl x509 -in "$pki/server-$node.pem" -noout -ext subjectAltName | tail -n 1 | sed 's/IP Address:/IP:/g; s/ //g')
cat > "$WORKSHOP_NOTES/extensions" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = $names
END
openssl req -new -key "$pki/server-$node-key.pem" -subj "/O=etcdlab/CN=$node" -out "$WORKSHOP_NOTES/request.pem"
openssl x509 -req -in "$WORKSHOP_NOTES/request.pem" -CA "$pki/client-ca.pem" -CAkey "$pki/client-ca-key.pem" \
  -set_serial "0x$(openssl rand -hex 8)" -days 1 -extfile "$WORKSHOP_NOTES/extensions" -out "$WORKSHOP_NOTES/short.pem"
# From here on reset.sh has to renew it.
echo "$node" > "$WORKSHOP_NOTES/node"
# Into the lab's folder, and in one step to the member, which reads it at every handshake.
cp "$WORKSHOP_NOTES/short.pem" "$pki/server-$node.pem"
member=$(dirname "$pki")/hosts/$node/pki
cp "$WORKSHOP_NOTES/short.pem" "$member/server.pem.new"
mv "$member/server.pem.new" "$member/server.pem"
