package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	user, password = "alice", "wonder land"
	// Tokens end after two seconds in this test, rounded up.
	tokenOutlived = 3500 * time.Millisecond
	// No machine is so slow that a user who renews at each step loses it.
	leaseSeconds = 600
)

// startAuth turns authentication on and works as a user who may do anything below one prefix, while tokens expire,
// members forget them and roles change. At the end authentication is off again.
func startAuth(r *run) error {
	root := r.client()
	steps := []func(ctx context.Context) error{
		func(ctx context.Context) error { _, err := root.RoleAdd(ctx, "root"); return unlessDone(err) },
		func(ctx context.Context) error {
			_, err := root.UserAdd(ctx, "root", "the root's")
			return unlessDone(err)
		},
		func(ctx context.Context) error { _, err := root.UserGrantRole(ctx, "root", "root"); return err },
		func(ctx context.Context) error { _, err := root.RoleAdd(ctx, "own"); return unlessDone(err) },
		func(ctx context.Context) error {
			_, err := root.RoleGrantPermission(ctx, "own", "own/", "own0", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func(ctx context.Context) error { _, err := root.UserAdd(ctx, user, password); return unlessDone(err) },
		func(ctx context.Context) error { _, err := root.UserGrantRole(ctx, user, "own"); return err },
		func(ctx context.Context) error { _, err := root.AuthEnable(ctx); return err },
	}
	for _, step := range steps {
		if err := again(step); err != nil {
			return err
		}
	}
	alice := r.clientOf(clientv3.Config{Username: user, Password: password})
	startAlice(r, alice)
	n := 0
	r.start("roles", func(ctx context.Context) error {
		n++
		key := fmt.Sprintf("other/%d", n)
		_, err := root.RoleGrantPermission(ctx, "own", key, "", clientv3.PermissionType(clientv3.PermRead))
		time.Sleep(500 * time.Millisecond)
		return err
	})
	r.atEnd(func() error {
		return again(func(ctx context.Context) error { _, err := root.AuthDisable(ctx); return err })
	})
	return nil
}

// startAlice puts and watches with one client, which logs in anew when it has to. It does so once for a call: on a slow
// machine the new token may be old by then, and the call is made again here.
func startAlice(r *run, alice *clientv3.Client) {
	lease := grant(alice, "own/leased", leaseSeconds)
	var n int
	var events clientv3.WatchChan
	stop := func() {}
	r.atEnd(func() error { stop(); return nil })
	r.start("user", func(ctx context.Context) error {
		n++
		if n%5 == 0 {
			time.Sleep(tokenOutlived)
		}
		put, err := alice.Put(ctx, "own/key", fmt.Sprint(n))
		if err != nil {
			return unlessOfToken(err)
		}
		if events == nil {
			// Goes on with the token that it was opened with.
			watching, cancel := context.WithCancel(context.Background())
			stop = cancel
			events = alice.Watch(watching, "own/key", clientv3.WithRev(put.Header.Revision))
		}
		if err := seen(ctx, events, put.Header.Revision); err != nil {
			// The client has opened it anew when its member went, perhaps with a token that was old.
			stop()
			events = nil
			return unlessOfToken(err)
		}
		if _, err := alice.KeepAliveOnce(ctx, lease); err != nil {
			return unlessOfToken(err)
		}
		_, err = alice.Put(ctx, "other/key", "")
		if errors.Is(err, rpctypes.ErrPermissionDenied) {
			return nil
		}
		if err == nil {
			return errors.New("a put to a key of others was taken")
		}
		return unlessOfToken(err)
	})
}

// unlessDone takes it for success that a try before this one, whose answer was lost, has made the role or user.
func unlessDone(err error) error {
	if errors.Is(err, rpctypes.ErrRoleAlreadyExist) || errors.Is(err, rpctypes.ErrUserAlreadyExist) {
		return nil
	}
	return err
}

// unlessOfToken makes a refused token something to try again.
func unlessOfToken(err error) error {
	for _, refusal := range []error{rpctypes.ErrInvalidAuthToken, rpctypes.ErrAuthOldRevision} {
		if strings.Contains(err.Error(), rpctypes.ErrorDesc(refusal)) {
			return context.DeadlineExceeded
		}
	}
	return err
}

// seen waits until a watch has told of a revision.
func seen(ctx context.Context, events clientv3.WatchChan, revision int64) error {
	for {
		select {
		case response, isOpen := <-events:
			if err := response.Err(); err != nil {
				return err
			}
			if !isOpen {
				return context.DeadlineExceeded
			}
			for _, event := range response.Events {
				if event.Kv.ModRevision >= revision {
					return nil
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
