# Five clients: one certificate is sound, each of the others wrong in one way. Which is which is drawn. And a server that
# a client refuses.
pki=$(dirname "$ETCDCTL_CACERT")
scratch=$(mktemp -d "$WORKSHOP_NOTES/making.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
touch "$scratch/index"
openssl rand -hex 8 > "$scratch/serial"
# Of the addresses that are for examples (RFC 5737): nobody answers there.
before=192.0.2.$((1 + RANDOM % 254))
cat > "$scratch/ca.cnf" <<END
[ca]
default_ca = lab
[lab]
database = $scratch/index
new_certs_dir = $scratch
serial = $scratch/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
organizationName = optional
commonName = supplied
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[moved]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:$before
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$scratch/other-key.pem" \
  -out "$scratch/other.pem" -subj '/O=etcdlab/CN=etcdlab client authority' -days 30 2> /dev/null

# make NAME AUTHORITY KEY EXTENSIONS START END
make() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1-key.pem" -out "$scratch/$1.csr" \
    -subj "/O=etcdlab/CN=$1" 2> /dev/null
  openssl ca -batch -notext -config "$scratch/ca.cnf" -in "$scratch/$1.csr" -cert "$2" -keyfile "$3" \
    -extensions "$4" -startdate "$5" -enddate "$6" -out "$1.pem" 2> /dev/null
  chmod 600 "$1-key.pem"
}

lab=("$pki/client-ca.pem" "$pki/client-ca-key.pem")
other=("$scratch/other.pem" "$scratch/other-key.pem")
year=$(date -u +%Y)
now=("$(date -u +%Y%m%d)000000Z" "$((year + 1))0101000000Z")
past=("$((year - 2))0101000000Z" "$((year - 2))0201000000Z")
future=("$((year + 10))0101000000Z" "$((year + 11))0101000000Z")

kinds=(good expired early usage authority)
for name in anna boris chloe deniz emil; do
  i=$((RANDOM % ${#kinds[@]}))
  kind=${kinds[i]}
  kinds=("${kinds[@]:0:i}" "${kinds[@]:i+1}")
  case $kind in
    good) make "$name" "${lab[@]}" client "${now[@]}" ;;
    expired) make "$name" "${lab[@]}" client "${past[@]}" ;;
    early) make "$name" "${lab[@]}" client "${future[@]}" ;;
    usage) make "$name" "${lab[@]}" server "${now[@]}" ;;
    authority) make "$name" "${other[@]}" client "${now[@]}" ;;
  esac
  echo "$kind" > "$WORKSHOP_NOTES/$name"
done

# A server that has moved: its certificate is sound, and names the address from before.
(cd "$WORKSHOP_NOTES" && make server "${lab[@]}" moved "${now[@]}")
is_taken() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
port=$((20000 + RANDOM % 10000))
while is_taken "$port"; do port=$((port + 1)); done
nohup openssl s_server -accept "127.0.0.1:$port" -cert "$WORKSHOP_NOTES/server.pem" -key "$WORKSHOP_NOTES/server-key.pem" \
  -www -quiet > "$WORKSHOP_NOTES/server.log" 2>&1 < /dev/null &
server=$!
echo "$server" > "$WORKSHOP_NOTES/server.pid"
# It goes with these notes, also when the lab is destroyed with the exercise open.
nohup bash -c 'while kill -0 "$1" && [ -e "$2" ]; do sleep 1; done; kill "$1"' - "$server" "$WORKSHOP_NOTES/server.pid" \
  > /dev/null 2>&1 < /dev/null &
deadline=$((SECONDS + 10))
until is_taken "$port" && kill -0 "$server" 2> /dev/null; do
  if ((SECONDS > deadline)) || ! kill -0 "$server" 2> /dev/null; then
    cat "$WORKSHOP_NOTES/server.log" >&2
    exit 1
  fi
  sleep 0.1
done
echo "$before" > "$WORKSHOP_NOTES/server"
echo "https://127.0.0.1:$port" > server.url
