for name in anna boris chloe deniz emil; do
  # What a member says; why, stands in its log.
  ETCDCTL_CERT=$name.pem ETCDCTL_KEY=$name-key.pem etcdctl --command-timeout 2s get workshop/none || true

  # What stands in the certificate, and what a verifier says to it.
  openssl x509 -in "$name.pem" -noout -subject -dates -ext extendedKeyUsage
  verdict=$(openssl verify -purpose sslclient -CAfile "$ETCDCTL_CACERT" "$name.pem" 2>&1) || true
  echo "$verdict"
  case $verdict in
    *'has expired'*) why=expired ;;
    *'not yet valid'*) why=early ;;
    *'certificate purpose'*) why=usage ;;
    *': OK'*) why=good ;;
    *) why=authority ;; # signed by somebody of the same name, with another key
  esac
  etcdctl put "workshop/why/$name" "$why"
done

# The server shows its certificate to everybody; that the client refuses it, stands in what etcdctl says.
url=$(cat server.url)
ETCDCTL_ENDPOINTS=$url etcdctl --command-timeout 2s get workshop/none || true
names=$(openssl s_client -connect "${url#https://}" < /dev/null 2> /dev/null | openssl x509 -noout -ext subjectAltName)
etcdctl put workshop/why/server "${names##*Address:}"
