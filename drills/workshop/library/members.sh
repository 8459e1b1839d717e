# For setup.sh and reset.sh of exercises that reach into members, with every provider. Sourced.

# on NODE COMMAND...: on the machine of a member, as whoever may change its files
# data_of NODE, config_of NODE: the directory of its data, and its configuration, there
if [ "$WORKSHOP_PROVIDER" = local ]; then
  on() { "${@:2}"; }
  data_of() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1/data"; }
  config_of() { echo "$ETCDLAB_STATE_DIR/$ETCDLAB_NAME/hosts/$1/etcd.conf.yml"; }
else
  on() { etcdlab exec "$1" sudo "${@:2}"; }
  data_of() { echo /var/lib/etcd/data; }
  config_of() { echo /etc/etcd/etcd.conf.yml; }
fi

# Where members lose their data, it is moved aside, and comes back.
kept_data_of() { echo "$(data_of "$1").before-the-exercise"; }

# has_kept_data NODE. A machine that does not answer has not said no.
has_kept_data() {
  local answer
  answer=$(on "$1" sh -c 'if [ -e "$1" ]; then echo yes; else echo no; fi' sh "$(kept_data_of "$1")") || answer=
  case $answer in
    yes) return 0 ;;
    no) return 1 ;;
    *)
      echo "whether $1 has $(kept_data_of "$1") cannot be seen" >&2
      exit 1
      ;;
  esac
}

# First of all in setup.sh: nobody's kept data is overwritten, or taken for that of this exercise.
begin_keeping_data() {
  local node
  for node in node1 node2 node3; do
    if has_kept_data "$node"; then
      echo "$(kept_data_of "$node") of $node was left by an earlier exercise: see what it is, and move it elsewhere" >&2
      exit 1
    fi
  done
  touch "$WORKSHOP_NOTES/begun"
}

# In reset.sh: whether setup has come that far. One that has refused has changed nothing.
has_begun_keeping_data() { [ -e "$WORKSHOP_NOTES/begun" ]; }

# keep_data NODE, of a member that does not run
keep_data() { on "$1" mv "$(data_of "$1")" "$(kept_data_of "$1")"; }

# put_back_data NODE: if any was kept, it comes back; what was made in its place goes.
put_back_data() {
  if has_kept_data "$1"; then
    on "$1" rm -rf "$(data_of "$1")"
    on "$1" mv "$(kept_data_of "$1")" "$(data_of "$1")"
  fi
}

# put_back_member NODE ID: the data of a single member comes back, unless the cluster has a new member in its place.
put_back_member() {
  local node=$1 id=$2 other list deadline=$((SECONDS + 30))
  # Who is a member, the other two say; without their answer nothing is removed.
  etcdlab stop "$node"
  for other in node1 node2 node3; do
    if [ "$other" != "$node" ]; then etcdlab start "$other"; fi
  done
  until list=$(etcdctl member list); do
    if ((SECONDS > deadline)); then exit 1; fi
    sleep 0.5
  done
  case $'\n'$list in
    # It is still a member under its old ID: its disk was only away.
    *$'\n'"$id, "*) put_back_data "$node" ;;
    *)
      # Nobody may come back who was removed.
      case $list in *", $node, "*) ;; *) etcdlab replace "$node" --yes ;; esac
      on "$node" rm -rf "$(kept_data_of "$node")"
      ;;
  esac
}

# copy_one_restore SNAPSHOT KEY, with provider local: what somebody in a hurry does. Restored once, and copied to all; ends
# when the last member answers for a key of the snapshot.
copy_one_restore() {
  local node
  etcdutl snapshot restore "$1" --data-dir "$(data_of node1)"
  for node in node2 node3; do cp -R "$(data_of node1)" "$(data_of "$node")"; done
  etcdlab start node1
  etcdlab start node2
  # With the last one the lab would be waited for to be healthy, which it will not be.
  etcdlab start node3 &
  until ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS##*,} etcdctl --command-timeout 1s get "$2"; do sleep 0.2; done
  kill $!
  wait $! || true
}
