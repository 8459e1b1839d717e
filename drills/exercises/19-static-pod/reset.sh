# The kubelet ends its etcd, too. A number alone could be another process by now.
if [ -e "$WORKSHOP_NOTES/kubelet.pid" ]; then
  pid=$(cat "$WORKSHOP_NOTES/kubelet.pid")
  args=$(ps -o args= -p "$pid") || true
  case $args in
    *kubelet.sh*)
      kill "$pid"
      while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
      ;;
  esac
fi
