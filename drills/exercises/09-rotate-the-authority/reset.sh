# One that was left half-way is taken back; one that was finished stays: nobody needs the old authority.
etcdlab certs rotate-ca --undo || true
etcdlab up
