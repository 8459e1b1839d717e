# 1. Where it listens stands in the manifest. The certificates of this shell are from the same authority.
endpoint=$(sed -n 's/.*--listen-client-urls=//p' manifests/etcd.yaml)
ETCDCTL_ENDPOINTS=$endpoint etcdctl get --prefix --keys-only /registry/
ETCDCTL_ENDPOINTS=$endpoint etcdctl snapshot save now.db

# 2. Into a new directory; the old one stays as it is. The name and the address are those of the manifest.
argument() { sed -n "s/.*--$1=//p" manifests/etcd.yaml; }
etcdutl snapshot status previous.db -w table
etcdutl snapshot restore previous.db --data-dir etcd-data-restored \
  --name "$(argument name)" \
  --initial-cluster "$(argument initial-cluster)" \
  --initial-advertise-peer-urls "$(argument initial-advertise-peer-urls)"

# 3. The manifest points at it. The kubelet notices, and starts etcd anew.
sed "s#path: $WORKSHOP_DIR/etcd-data\$#path: $WORKSHOP_DIR/etcd-data-restored#" manifests/etcd.yaml > edited.yaml
mv edited.yaml manifests/etcd.yaml

# 4. Look, and do not believe.
until ETCDCTL_ENDPOINTS=$endpoint etcdctl get --prefix --keys-only /registry/ | grep shop; do sleep 0.2; done

# 5. The value is protobuf, and the text in it stays text; `strings` shows it as well.
export ETCDCTL_ENDPOINTS=$endpoint
etcdctl get --print-value-only /registry/deployments/default/shop | od -c | head -n 3
etcdctl get --print-value-only /registry/deployments/default/shop | LC_ALL=C tr -c '[:graph:]' '\n' \
  | grep '^registry.example/' > image.txt
cat image.txt
