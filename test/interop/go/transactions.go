package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	accounts       = 5
	openingBalance = 100
)

func account(i int) string { return fmt.Sprintf("account/%d", i%accounts) }

// startTransactions moves money between accounts, on each level of isolation that keeps what was read: none is lost,
// none is made, and what was acknowledged has happened.
func startTransactions(r *run) {
	for i := range accounts {
		client := r.client()
		if err := again(func(ctx context.Context) error {
			_, err := client.Put(ctx, account(i), fmt.Sprint(openingBalance))
			return err
		}); err != nil {
			fail(err)
		}
	}
	levels := []concurrency.Isolation{concurrency.SerializableSnapshot, concurrency.Serializable, concurrency.RepeatableReads}
	tellers := make([]*teller, len(levels))
	for i, level := range levels {
		t := &teller{key: fmt.Sprintf("transfers/%d", i)}
		tellers[i] = t
		client := r.client()
		n := 0
		r.start("transaction", func(ctx context.Context) error {
			n++
			t.tried.Add(1)
			_, err := concurrency.NewSTM(client, func(stm concurrency.STM) error {
				return t.transfer(stm, account(n), account(n+1+i))
			}, concurrency.WithIsolation(level), concurrency.WithAbortContext(ctx), concurrency.WithPrefetch(t.key))
			if err == nil {
				t.done.Add(1)
			}
			// All reads of a transaction on the second level are of one revision, which a member that is asked for the
			// later ones may not have yet. Whoever uses this level repeats the transaction.
			if errors.Is(rpctypes.Error(err), rpctypes.ErrFutureRev) {
				return context.DeadlineExceeded
			}
			return err
		})
	}
	r.atEnd(func() error { return auditAccounts(r, tellers) })
}

type teller struct {
	key         string
	tried, done atomic.Int64
}

func (t *teller) transfer(stm concurrency.STM, from, to string) error {
	for key, change := range map[string]int64{from: -1, to: 1, t.key: 1} {
		n, _ := strconv.ParseInt(stm.Get(key), 10, 64)
		stm.Put(key, fmt.Sprint(n+change))
	}
	return nil
}

func auditAccounts(r *run, tellers []*teller) error {
	client := r.client()
	var sum int64
	for i := range accounts {
		kv, err := get(client, account(i))
		if err != nil {
			return err
		}
		sum += number(kv)
	}
	if sum != accounts*openingBalance {
		return fmt.Errorf("the accounts hold %d, not %d", sum, accounts*openingBalance)
	}
	for _, t := range tellers {
		kv, err := get(client, t.key)
		if err != nil {
			return err
		}
		if n := number(kv); n < t.done.Load() || n > t.tried.Load() {
			return fmt.Errorf("%s is %d: %d were acknowledged, %d tried", t.key, n, t.done.Load(), t.tried.Load())
		}
	}
	return nil
}
