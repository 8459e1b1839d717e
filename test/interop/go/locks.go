package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	lockers    = 4
	candidates = 3
)

func session(r *run) *concurrency.Session {
	var made *concurrency.Session
	client := r.client()
	err := again(func(ctx context.Context) (err error) {
		// The session lives on beyond the call that makes it.
		made, err = concurrency.NewSession(client, concurrency.WithTTL(sessionSeconds))
		return err
	})
	if err != nil {
		fail(err)
	}
	return made
}

// startLocks counts to a number under a lock: nobody else may change it meanwhile, and no count may be lost.
func startLocks(r *run) {
	var inside atomic.Int32
	var counted atomic.Int64
	for i := range lockers {
		s := session(r)
		mutex := concurrency.NewMutex(s, "lock/")
		n := 0
		r.start("lock", func(ctx context.Context) error {
			if err := mutex.Lock(ctx); err != nil {
				return err
			}
			if others := inside.Add(1) - 1; others != 0 {
				r.violation("lock: %d others hold it", others)
			}
			n++
			err := countAlone(s.Client(), mutex, fmt.Sprintf("%d-%d", i, n))
			counted.Add(1)
			inside.Add(-1)
			return errors.Join(err, again(mutex.Unlock))
		})
	}
	r.atEnd(func() error {
		kv, err := get(r.client(), "counter")
		if err == nil && number(kv) != counted.Load() {
			err = fmt.Errorf("counted %d times under the lock, to %d", counted.Load(), number(kv))
		}
		return err
	})
}

// countAlone adds one. The value names who has counted, so that a change without an answer is not made twice.
func countAlone(client *clientv3.Client, mutex *concurrency.Mutex, name string) error {
	before, err := get(client, "counter")
	if err != nil {
		return err
	}
	value := fmt.Sprintf("%d %s", number(before)+1, name)
	return again(func(ctx context.Context) error {
		done, err := client.Txn(ctx).
			If(mutex.IsOwner(), clientv3.Compare(clientv3.ModRevision("counter"), "=", before.ModRevision)).
			Then(clientv3.OpPut("counter", value)).
			Else(clientv3.OpGet("counter")).
			Commit()
		if err != nil || done.Succeeded {
			return err
		}
		kvs := done.Responses[0].GetResponseRange().Kvs
		if len(kvs) == 1 && string(kvs[0].Value) == value {
			return nil
		}
		return fmt.Errorf("the counter has become %v under the lock, and was %v", kvs, before)
	})
}

// keyValue is what a key holds; nothing, and revision 0, when it is not there.
type keyValue struct {
	Value       string
	ModRevision int64
}

func get(client *clientv3.Client, key string) (kv keyValue, err error) {
	err = again(func(ctx context.Context) error {
		found, err := client.Get(ctx, key)
		if err == nil && len(found.Kvs) == 1 {
			kv = keyValue{string(found.Kvs[0].Value), found.Kvs[0].ModRevision}
		}
		return err
	})
	return kv, err
}

// number reads the number that a value begins with; 0 when there is none.
func number(kv keyValue) int64 {
	digits, _, _ := strings.Cut(kv.Value, " ")
	n, _ := strconv.ParseInt(digits, 10, 64)
	return n
}

// startElections has candidates that lead for a moment, proclaim and resign. One leads at a time; revisions of leaders
// grow; and who observes sees no leader after one that came later.
func startElections(r *run) {
	var leading atomic.Int32
	wins := &wins{}
	for i := range candidates {
		s := session(r)
		election := concurrency.NewElection(s, "election")
		n := 0
		r.start("election", func(ctx context.Context) error {
			n++
			if err := election.Campaign(ctx, fmt.Sprintf("%d-%d", i, n)); err != nil {
				return err
			}
			if others := leading.Add(1) - 1; others != 0 {
				r.violation("election: %d others lead", others)
			}
			if err := wins.add(i, election.Rev()); err != nil {
				r.violation("election: %v", err)
			}
			err := again(func(ctx context.Context) error {
				return election.Proclaim(ctx, fmt.Sprintf("%d-%d proclaimed", i, n))
			})
			leading.Add(-1)
			return errors.Join(err, again(election.Resign))
		})
	}
	observer := concurrency.NewElection(session(r), "election")
	var last, lastLeader int64
	r.start("observer", func(ctx context.Context) error {
		for response := range observer.Observe(ctx) {
			kv := response.Kvs[0]
			if kv.CreateRevision < lastLeader || (kv.CreateRevision == lastLeader && kv.ModRevision < last) {
				return fmt.Errorf("told of %s, made at %d and changed at %d, after %d and %d",
					kv.Key, kv.CreateRevision, kv.ModRevision, lastLeader, last)
			}
			lastLeader, last = kv.CreateRevision, kv.ModRevision
			return nil
		}
		return context.DeadlineExceeded
	})
}

// wins remembers who led last. Resigning without an answer may leave a candidate the leader that it was.
type wins struct {
	mutex     sync.Mutex
	candidate int
	revision  int64
}

func (w *wins) add(candidate int, revision int64) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if revision < w.revision || (revision == w.revision && candidate != w.candidate) {
		return fmt.Errorf("%d leads from revision %d, after %d from %d", candidate, revision, w.candidate, w.revision)
	}
	w.candidate, w.revision = candidate, revision
	return nil
}
