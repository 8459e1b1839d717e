# What the API server stores for an object: the bytes `k8s\0`, then a wrapper with apiVersion, kind and the object, all of
# it protobuf (k8s.io/apimachinery, runtime.Unknown). Hexadecimal until `store`, for no variable holds a zero byte.

# varint NUMBER
varint() {
  local rest=$1
  while [ "$rest" -gt 127 ]; do
    printf %02x $((rest & 127 | 128))
    rest=$((rest >> 7))
  done
  printf %02x "$rest"
}

# message FIELD HEX...: a message in a message
message() {
  local field=$1 content
  shift
  content=$(printf %s "$@")
  printf %s "$(varint $((field << 3 | 2)))" "$(varint $((${#content} / 2)))" "$content"
}

# text FIELD TEXT, number FIELD NUMBER
text() { message "$1" "$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')"; }
number() { printf %s "$(varint $(($1 << 3)))" "$(varint "$2")"; }

# labels FIELD KEY VALUE
labels() { message "$1" "$(text 1 "$2")" "$(text 2 "$3")"; }

# metadata NAME NAMESPACE LABEL: with an ID of its own, and the present time
metadata() {
  local random namespace=
  random=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  if [ -n "$2" ]; then namespace=$(text 3 "$2"); fi
  message 1 "$(text 1 "$1")" "$namespace" \
    "$(text 5 "${random:0:8}-${random:8:4}-4${random:13:3}-a${random:17:3}-${random:20}")" \
    "$(message 8 "$(number 1 "$(date +%s)")")" "$(labels 11 "$3" "$1")"
}

# object APIVERSION KIND HEX...: the whole value
object() {
  local type
  type=$(text 1 "$1")$(text 2 "$2")
  shift 2
  printf %s 6b387300 "$(message 1 "$type")" "$(message 2 "$@")" "$(text 3 '')" "$(text 4 '')"
}

namespace() {
  object v1 Namespace "$(metadata "$1" '' kubernetes.io/metadata.name)" \
    "$(message 2 "$(text 1 kubernetes)")" "$(message 3 "$(text 1 Active)")"
}

node() {
  object v1 Node "$(metadata "$1" '' kubernetes.io/hostname)" "$(message 2 "$(text 1 10.244.0.0/24)")"
}

# deployment NAME IMAGE REPLICAS
deployment() {
  local container template
  container=$(message 2 "$(text 1 "$1")" "$(text 2 "$2")")
  template=$(message 3 "$(message 1 "$(labels 11 app "$1")")" "$(message 2 "$container")")
  object apps/v1 Deployment "$(metadata "$1" default app)" \
    "$(message 2 "$(number 1 "$3")" "$(message 2 "$(labels 1 app "$1")")" "$template")"
}

# store KEY HEX
store() { printf %b "$(printf %s "$2" | sed 's/../\\x&/g')" | etcdctl put "$1"; }
