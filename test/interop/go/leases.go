package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// startLeases has one lease that a client keeps alive by itself, one that is renewed step by step, and one that nobody
// renews: the keys of the first two stay, and that of the last goes.
func startLeases(r *run) {
	client := r.client()
	kept := grant(client, "leased/kept", sessionSeconds)
	renewals, err := client.KeepAlive(context.Background(), kept)
	if err != nil {
		fail(err)
	}
	go func() {
		for renewal := range renewals {
			if renewal.TTL != sessionSeconds {
				r.violation("lease: renewed for %d s, not %d", renewal.TTL, sessionSeconds)
			}
		}
		if r.isRunning() {
			r.violation("lease: it is not kept alive any more")
		}
	}()
	renewed := grant(client, "leased/renewed", sessionSeconds)
	r.start("renewal", func(ctx context.Context) error {
		renewal, err := client.KeepAliveOnce(ctx, renewed)
		if err == nil && renewal.TTL != sessionSeconds {
			err = fmt.Errorf("renewed for %d s, not %d", renewal.TTL, sessionSeconds)
		}
		return err
	})
	grant(client, "leased/short", 2)
	r.atEnd(func() error {
		for _, key := range []string{"leased/kept", "leased/renewed"} {
			if kv, err := get(client, key); err != nil || kv.ModRevision == 0 {
				return errors.Join(err, fmt.Errorf("%s is gone", key))
			}
		}
		deadline := time.Now().Add(time.Minute)
		for {
			kv, err := get(client, "leased/short")
			if err != nil || kv.ModRevision == 0 {
				return err
			}
			if time.Now().After(deadline) {
				return errors.New("leased/short is still there, a minute later")
			}
			time.Sleep(retryPause)
		}
	})
}

// grant makes a lease with one key.
func grant(client *clientv3.Client, key string, seconds int64) clientv3.LeaseID {
	var lease *clientv3.LeaseGrantResponse
	err := again(func(ctx context.Context) (err error) {
		if lease, err = client.Grant(ctx, seconds); err != nil {
			return err
		}
		_, err = client.Put(ctx, key, "", clientv3.WithLease(lease.ID))
		return err
	})
	if err != nil {
		fail(err)
	}
	return lease.ID
}
