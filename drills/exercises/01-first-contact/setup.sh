# One transaction without a condition: all of it at one revision.
{
  echo
  for fruit in apple apricot banana cherry date elderberry fig grape lemon mango orange pear; do
    echo "put workshop/fruit/$fruit 'one $fruit'"
  done
  for year in 2019 2020 2021; do
    echo "put workshop/old/report-$year 'nobody reads this'"
  done
  echo
  echo
} | etcdctl txn
