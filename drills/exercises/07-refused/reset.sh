# The server that has moved. A number alone could be another process by now.
if [ -e "$WORKSHOP_NOTES/server.pid" ]; then
  pid=$(cat "$WORKSHOP_NOTES/server.pid")
  args=$(ps -o args= -p "$pid") || true
  case $args in *s_server*) kill "$pid" ;; esac
fi
