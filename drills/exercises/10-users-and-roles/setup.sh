# Nobody's users are mixed with those of the exercise.
if [ -n "$(etcdctl user list)$(etcdctl role list)" ]; then
  echo 'this lab has users or roles already: take another lab for this exercise' >&2
  exit 1
fi
touch "$WORKSHOP_NOTES/begun"
etcdctl put workshop/app/state 'not started'
etcdctl put workshop/shared/banner 'maintenance at noon'
etcdctl put workshop/secret 'the recipe'
