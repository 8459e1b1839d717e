# 1. The same key twice: the second value replaces the first.
etcdctl put workshop/greeting hello
etcdctl put workshop/greeting 'good morning'

# 2. Count without reading. The line "Count" has the number: 12.
etcdctl get --prefix --count-only -w fields workshop/fruit/
etcdctl put workshop/answer/fruits 12

# 3. The line "CreateRevision" has what we want; --rev goes back to it.
etcdctl get -w fields workshop/greeting
created=$(etcdctl get -w fields workshop/greeting | sed -n 's/^"CreateRevision" : //p')
etcdctl get --rev="$created" workshop/greeting
etcdctl put workshop/answer/created "$created"

# 4. One command, one revision, three keys less.
etcdctl del --prefix workshop/old/
