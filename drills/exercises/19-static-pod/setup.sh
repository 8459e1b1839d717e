source "$WORKSHOP_EXERCISE/kubernetes.sh"
pki=$(dirname "$ETCDCTL_CACERT")
# Two ports next to each other that nobody listens on.
is_taken() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
client=$((20000 + RANDOM % 10000))
while is_taken "$client" || is_taken $((client + 1)); do client=$((client + 2)); done
peer=$((client + 1))
mkdir manifests
cat > manifests/etcd.yaml <<END
apiVersion: v1
kind: Pod
metadata:
  name: etcd
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
    - name: etcd
      image: etcd:3.5.30
      command:
        - etcd
        - --name=controlplane
        - --data-dir=/var/lib/etcd
        - --listen-client-urls=https://127.0.0.1:$client
        - --advertise-client-urls=https://127.0.0.1:$client
        - --listen-peer-urls=http://127.0.0.1:$peer
        - --initial-advertise-peer-urls=http://127.0.0.1:$peer
        - --initial-cluster=controlplane=http://127.0.0.1:$peer
        - --cert-file=$pki/server-node1.pem
        - --key-file=$pki/server-node1-key.pem
        - --trusted-ca-file=$pki/client-ca.pem
        - --client-cert-auth=true
        - --log-level=warn
      volumeMounts:
        - name: etcd-data
          mountPath: /var/lib/etcd
  volumes:
    - name: etcd-data
      hostPath:
        path: $WORKSHOP_DIR/etcd-data
        type: DirectoryOrCreate
END
echo "https://127.0.0.1:$client" > "$WORKSHOP_NOTES/endpoint"
nohup bash "$WORKSHOP_EXERCISE/kubelet.sh" "$WORKSHOP_DIR/manifests/etcd.yaml" "$WORKSHOP_NOTES" \
  > "$WORKSHOP_NOTES/kubelet.log" 2>&1 < /dev/null &
echo $! > "$WORKSHOP_NOTES/kubelet.pid"

export ETCDCTL_ENDPOINTS=https://127.0.0.1:$client
deadline=$((SECONDS + 30))
until etcdctl --command-timeout 1s get /registry/; do
  if ((SECONDS > deadline)); then
    tail -n 5 "$WORKSHOP_NOTES/etcd.log" >&2
    exit 1
  fi
  sleep 0.2
done
# A node is called a minion there, as it was before the first release.
store /registry/minions/controlplane "$(node controlplane)"
store /registry/namespaces/default "$(namespace default)"
version=1.$((RANDOM % 40)).$((RANDOM % 10))
for name in shop payments search; do
  store "/registry/deployments/default/$name" "$(deployment "$name" "registry.example/$name:$version" 3)"
done
echo "registry.example/shop:$version" > "$WORKSHOP_NOTES/image"
etcdctl snapshot save previous.db
# The mistake that makes somebody look for a backup.
etcdctl del --prefix /registry/deployments/default/
store /registry/deployments/default/test "$(deployment test registry.example/test:0.1.0 1)"
