package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	watchPrefix = "watch/"
	// More than one message may hold: who asks for them from the past gets them in fragments.
	bigValues     = 5
	bigValueBytes = 700_000
	// More than two of the intervals in which the members tell of progress (200 ms in this test).
	quietTime = 500 * time.Millisecond
)

// startWatches has one writer, and watchers of all that it does from the first revision on: some with all members to
// fall back on, and one for each member alone. None may miss an event, see one twice or get a wrong value before it.
func startWatches(r *run) {
	writer := r.client()
	var first int64
	for i := range bigValues {
		var put *clientv3.PutResponse
		err := again(func(ctx context.Context) (err error) {
			put, err = writer.Put(ctx, fmt.Sprintf("%sbig%d", watchPrefix, i), string(bytes.Repeat([]byte{'x'}, bigValueBytes)))
			return err
		})
		if err != nil {
			fail(err)
		}
		if first == 0 {
			first = put.Header.Revision
		}
	}
	acknowledged := &record{}
	n := 0
	r.start("writer", func(ctx context.Context) error {
		n++
		if n%50 == 0 {
			// Progress is told of when nothing else is.
			time.Sleep(quietTime)
		}
		return writeOne(ctx, writer, n, acknowledged)
	})
	var watchers []*watcher
	for i := range 3 {
		watchers = append(watchers, newWatcher(r, fmt.Sprintf("watcher %d", i), r.client(), first, i == 0))
	}
	for _, endpoint := range r.endpoints {
		watchers = append(watchers, newWatcher(r, "watcher of one member", r.client(endpoint), first, false))
	}
	// Those of one member have to wait for it while it is away.
	for _, w := range watchers[:3] {
		w.worker = &worker{name: w.name}
		r.workers = append(r.workers, w.worker)
	}
	for _, w := range watchers {
		go w.follow()
	}
	r.atEnd(func() error { return compareWatchers(writer, watchers, acknowledged) })
}

// record is what was acknowledged: revision and key.
type record struct {
	mutex   sync.Mutex
	changes []change
}

type change struct {
	revision int64
	key      string
}

func (c *record) add(revision int64, keys ...string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, key := range keys {
		c.changes = append(c.changes, change{revision, key})
	}
}

// writeOne puts a key, deletes one, or changes two at one revision.
func writeOne(ctx context.Context, client *clientv3.Client, n int, acknowledged *record) error {
	key := func(i int) string { return fmt.Sprintf("%skey%d", watchPrefix, i%5) }
	value := fmt.Sprint(n)
	switch n % 7 {
	case 3:
		done, err := client.Delete(ctx, key(n))
		if err == nil && done.Deleted > 0 {
			acknowledged.add(done.Header.Revision, key(n))
		}
		return err
	case 5:
		done, err := client.Txn(ctx).Then(clientv3.OpPut(key(n), value), clientv3.OpPut(key(n+1), value)).Commit()
		if err == nil {
			acknowledged.add(done.Header.Revision, key(n), key(n+1))
		}
		return err
	default:
		done, err := client.Put(ctx, key(n), value)
		if err == nil {
			acknowledged.add(done.Header.Revision, key(n))
		}
		return err
	}
}

type watcher struct {
	name          string
	run           *run
	client        *clientv3.Client
	requireLeader bool
	// Counts events; nil for those that may have to wait.
	worker *worker

	stop    context.CancelFunc
	stopped context.Context

	mutex sync.Mutex
	// The revision to begin from, when a watch has ended.
	next int64
	// What the last notice of progress said.
	told   int64
	events []seenEvent
	seen   map[change]bool
	last   map[string]*clientv3.Event
}

type seenEvent struct {
	revision int64
	text     string
}

func newWatcher(r *run, name string, client *clientv3.Client, first int64, requireLeader bool) *watcher {
	stopped, stop := context.WithCancel(context.Background())
	return &watcher{
		name: name, run: r, client: client, requireLeader: requireLeader, next: first,
		seen: make(map[change]bool), last: make(map[string]*clientv3.Event), stop: stop, stopped: stopped,
	}
}

// follow watches until the end, and begins again behind what it has seen when its watch ends.
func (w *watcher) follow() {
	for w.stopped.Err() == nil && !w.run.hasViolations() {
		ctx, cancel := context.WithCancel(w.stopped)
		if w.requireLeader {
			ctx = clientv3.WithRequireLeader(ctx)
		}
		responses := w.client.Watch(ctx, watchPrefix, clientv3.WithPrefix(), clientv3.WithRev(w.next),
			clientv3.WithPrevKV(), clientv3.WithProgressNotify(), clientv3.WithFragment())
		for response := range responses {
			if err := response.Err(); err != nil && w.stopped.Err() == nil && err != rpctypes.ErrNoLeader && !isTransient(err) {
				w.run.violation("%s: %v", w.name, err)
			}
			w.take(response)
		}
		cancel()
		time.Sleep(retryPause)
	}
}

func (w *watcher) take(response clientv3.WatchResponse) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if response.IsProgressNotify() {
		w.told = max(w.told, response.Header.Revision)
		w.next = max(w.next, w.told+1)
	}
	for _, event := range response.Events {
		w.check(event)
		w.next = max(w.next, event.Kv.ModRevision+1)
	}
	if w.worker != nil && len(response.Events) > 0 {
		w.worker.step()
	}
}

func (w *watcher) check(event *clientv3.Event) {
	key, revision := string(event.Kv.Key), event.Kv.ModRevision
	if revision <= w.told {
		w.run.violation("%s: was told of progress to %d, and of %s at %d after it", w.name, w.told, key, revision)
	}
	if revision < w.next-1 {
		w.run.violation("%s: was told of %s at %d after %d", w.name, key, revision, w.next-1)
	}
	if w.seen[change{revision, key}] {
		w.run.violation("%s: was told of %s at %d twice", w.name, key, revision)
	}
	w.seen[change{revision, key}] = true
	before := w.last[key]
	switch {
	case before == nil || before.Type == clientv3.EventTypeDelete:
		if event.PrevKv != nil {
			w.run.violation("%s: %s at %d has a value before it, which was not there", w.name, key, revision)
		}
	case event.PrevKv == nil || event.PrevKv.ModRevision != before.Kv.ModRevision ||
		!bytes.Equal(event.PrevKv.Value, before.Kv.Value):
		w.run.violation("%s: %s at %d has %v before it, not %v", w.name, key, revision, event.PrevKv, before.Kv)
	}
	w.last[key] = event
	value := event.Kv.Value[:min(9, len(event.Kv.Value))]
	w.events = append(w.events, seenEvent{revision, fmt.Sprintf("%d %s %s %s", revision, event.Type, key, value)})
}

func (w *watcher) hasSeen(c change) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.seen[c]
}

// toldOf gives the last revision that it was told to have seen all of.
func (w *watcher) toldOf() int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.told
}

// upTo gives the events up to a revision: what was written without an answer may come even later.
func (w *watcher) upTo(revision int64) []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var texts []string
	for _, event := range w.events {
		if event.revision <= revision {
			texts = append(texts, event.text)
		}
	}
	return texts
}

// compareWatchers waits until all have seen everything, and holds them against each other and what was acknowledged.
func compareWatchers(client *clientv3.Client, watchers []*watcher, acknowledged *record) error {
	defer func() {
		for _, w := range watchers {
			w.stop()
		}
	}()
	var last int64
	err := again(func(ctx context.Context) error {
		put, err := client.Put(ctx, watchPrefix+"last", "")
		if err == nil {
			last = put.Header.Revision
		}
		return err
	})
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Minute)
	for _, w := range watchers {
		for w.toldOf() < last {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s was told of progress to revision %d of %d", w.name, w.toldOf(), last)
			}
			time.Sleep(retryPause)
		}
	}
	reference := watchers[0].upTo(last)
	for _, w := range watchers {
		if events := w.upTo(last); !slices.Equal(events, reference) {
			return fmt.Errorf("%s has seen %d events, and not those %d of %s", w.name, len(events), len(reference), watchers[0].name)
		}
	}
	for _, c := range acknowledged.changes {
		if !watchers[0].hasSeen(c) {
			return fmt.Errorf("nobody was told of %s at %d, which was acknowledged", c.key, c.revision)
		}
	}
	return nil
}
