for price in 100 130 170 90 120; do
  etcdctl put workshop/price "$price"
done
