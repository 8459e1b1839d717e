#!/bin/sh
# The certificates of lab <%~ it.lab %> as `etcdlab up` makes them, to do it by hand once: rendered by etcdlab, for OpenSSL
# 1.1.1 or later. PKI: a folder that is not there yet. The keys of the authorities stay in it: no machine has them.
# Certificates are valid from now on, also where the settings say `backdate`: a machine whose clock is behind refuses them
# until it has caught up.
set -eu
umask 077
: "${PKI:?a folder that is not there yet}"
mkdir "$PKI"
cd "$PKI"

# What is not said here is in no certificate: the openssl.cnf of the system is not read.
cat > openssl.cnf <<'END'
[req]
distinguished_name = empty
[empty]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = lists
[lists]
database = database
crlnumber = number
crl_extensions = list
[list]
authorityKeyIdentifier = keyid:always
END

# NAME COMMON-NAME: also an empty revocation list in the form that every engine reads.
authority() {
  openssl genpkey <%~ it.authorityKey %> -out "$1-key.pem"
  openssl req -x509 -new -config openssl.cnf -extensions authority -key "$1-key.pem" -<%~ it.authorityDigest %> \
    -days <%~ it.authorityDays %> -set_serial "0x$(openssl rand -hex 15)" -subj "/O=etcdlab/CN=$2" -out "$1.pem"
  : > database
  echo 01 > number
  openssl ca -gencrl -config openssl.cnf -keyfile "$1-key.pem" -cert "$1.pem" -md <%~ it.authorityDigest %> \
    -crldays <%~ it.authorityDays %> -out list.pem
  openssl crl -in list.pem -outform DER -out "$1.crl"
}

# NAME AUTHORITY COMMON-NAME USAGES [ALTERNATIVE-NAMES]
certificate() {
  openssl genpkey <%~ it.key %> -out "$1-key.pem"
  {
    echo 'basicConstraints = critical, CA:FALSE'
    echo 'keyUsage = critical, digitalSignature'
    echo "extendedKeyUsage = $4"
    echo 'subjectKeyIdentifier = hash'
    echo 'authorityKeyIdentifier = keyid:always'
    [ $# -lt 5 ] || echo "subjectAltName = $5"
  } > extensions
  openssl req -new -config openssl.cnf -key "$1-key.pem" -subj "/O=etcdlab/CN=$3" -out request
  openssl x509 -req -in request -CA "$2.pem" -CAkey "$2-key.pem" -<%~ it.authorityDigest %> -days <%~ it.days %> \
    -set_serial "0x$(openssl rand -hex 15)" -extfile extensions -out "$1.pem"
}

<% for (const authority of it.authorities) { %>
authority <%~ authority.map(it.quote).join(' ') %>

<% } %>
<% for (const certificate of it.certificates) { %>
certificate <%~ certificate.map(it.quote).join(' ') %>

<% } %>
rm -f openssl.cnf extensions request list.pem database* number*
