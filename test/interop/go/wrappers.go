package main

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/leasing"
	"go.etcd.io/etcd/client/v3/namespace"
)

// startWrappers reads and writes through what the client wraps around a key space: a cache whose entries are owned by
// one client at a time, and a prefix that nobody sees.
func startWrappers(r *run) {
	startLeasing(r)
	startNamespace(r)
}

// startLeasing writes through one cache and reads through another, which may have the key in its memory.
func startLeasing(r *run) {
	var caches [2]clientv3.KV
	for i := range caches {
		cache, closeCache, err := leasing.NewKV(r.client(), "leasing/")
		if err != nil {
			fail(err)
		}
		caches[i] = cache
		r.atEnd(func() error {
			closeCache()
			return nil
		})
	}
	var n int64
	// What was written without an answer may come later.
	uncertain := make(map[string]bool)
	r.start("leasing", func(ctx context.Context) error {
		n++
		value := fmt.Sprint(n)
		if _, err := caches[n%2].Put(ctx, "cached", value); err != nil {
			uncertain[value] = true
			return err
		}
		for _, cache := range caches {
			found, err := cache.Get(ctx, "cached")
			if err != nil {
				return err
			}
			if len(found.Kvs) != 1 || (string(found.Kvs[0].Value) != value && !uncertain[string(found.Kvs[0].Value)]) {
				return fmt.Errorf("read %v after %s was written", found.Kvs, value)
			}
		}
		return nil
	})
}

// startNamespace puts, compares, watches and deletes under a prefix, and looks for it without.
func startNamespace(r *run) {
	client := r.client()
	kv := namespace.NewKV(client, "name/")
	watches := namespace.NewWatcher(client, "name/")
	n := 0
	r.start("namespace", func(ctx context.Context) error {
		n++
		key, value := fmt.Sprintf("key%d", n), fmt.Sprint(n)
		done, err := kv.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", 0)).
			Then(clientv3.OpPut(key, value)).Commit()
		if err != nil {
			return err
		}
		if !done.Succeeded {
			return fmt.Errorf("%s is there already", key)
		}
		whole, err := client.Get(ctx, "name/"+key)
		if err != nil {
			return err
		}
		if whole.Count != 1 || string(whole.Kvs[0].Value) != value {
			return fmt.Errorf("name/%s is %v", key, whole.Kvs)
		}
		watching, cancel := context.WithCancel(ctx)
		defer cancel()
		response, isOpen := <-watches.Watch(watching, key, clientv3.WithRev(done.Header.Revision))
		if !isOpen || response.Err() != nil {
			return context.DeadlineExceeded
		}
		if len(response.Events) != 1 || string(response.Events[0].Kv.Key) != key {
			return fmt.Errorf("the watch of %s tells of %v", key, response.Events)
		}
		_, err = kv.Delete(ctx, key)
		return err
	})
}
