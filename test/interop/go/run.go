package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	callTimeout = 10 * time.Second
	retryPause  = 20 * time.Millisecond
	// Long enough that no session ends by a machine that is slow, whatever the leaders do.
	sessionSeconds = 30
	// How many more steps each worker takes before it counts as progressing.
	progressSteps = 3
)

// A worker repeats one thing until the run stops.
type worker struct {
	name  string
	steps atomic.Int64
}

func (w *worker) step() { w.steps.Add(1) }

// run is what all workers share: how to reach the cluster, when to stop, and what they have found wrong.
type run struct {
	endpoints []string
	tls       *tls.Config
	stopping  chan struct{}

	mutex      sync.Mutex
	violations []string
	workers    []*worker
	clients    []*clientv3.Client
	checks     []func() error
	ends       sync.WaitGroup
}

type report struct {
	Steps      map[string]int64 `json:"steps"`
	Violations []string         `json:"violations"`
}

func newRun(endpoints []string, config *tls.Config) *run {
	return &run{endpoints: endpoints, tls: config, stopping: make(chan struct{}), violations: []string{}}
}

// client makes a client of its own, of all members or of those given, closed with the run.
func (r *run) client(endpoints ...string) *clientv3.Client {
	return r.clientOf(clientv3.Config{Endpoints: endpoints})
}

func (r *run) clientOf(config clientv3.Config) *clientv3.Client {
	if len(config.Endpoints) == 0 {
		config.Endpoints = r.endpoints
	}
	config.TLS = r.tls
	config.DialTimeout = callTimeout
	config.DialKeepAliveTime = 5 * time.Second
	config.DialKeepAliveTimeout = 5 * time.Second
	config.Logger = zap.NewNop()
	client, err := clientv3.New(config)
	if err != nil {
		fail(err)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.clients = append(r.clients, client)
	return client
}

// start runs step again and again until the run stops. A step that fails because a member is away is repeated; any
// other failure is a violation, and ends the worker.
func (r *run) start(name string, step func(ctx context.Context) error) *worker {
	w := &worker{name: name}
	r.mutex.Lock()
	r.workers = append(r.workers, w)
	r.mutex.Unlock()
	r.goes(func() {
		for r.isRunning() {
			ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
			err := step(ctx)
			cancel()
			switch {
			case err == nil:
				w.step()
			case isTransient(err):
				time.Sleep(retryPause)
			default:
				r.violation("%s: %v", name, err)
				return
			}
		}
	})
	return w
}

// goes runs work that the run waits for when it stops.
func (r *run) goes(work func()) {
	r.ends.Add(1)
	go func() {
		defer r.ends.Done()
		work()
	}()
}

// atEnd adds a check for when all workers have ended.
func (r *run) atEnd(check func() error) { r.checks = append(r.checks, check) }

func (r *run) violation(format string, args ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.violations) < 50 {
		r.violations = append(r.violations, fmt.Sprintf(format, args...))
	}
}

func (r *run) isRunning() bool {
	select {
	case <-r.stopping:
		return false
	default:
		return true
	}
}

// waitProgress waits until every worker has taken more steps, or something has been found wrong.
func (r *run) waitProgress(limit time.Duration) error {
	before := make(map[*worker]int64)
	for _, w := range r.workers {
		before[w] = w.steps.Load()
	}
	deadline := time.Now().Add(limit)
	for w, steps := range before {
		for w.steps.Load() < steps+progressSteps && !r.hasViolations() {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s has taken %d steps in %v", w.name, w.steps.Load()-steps, limit)
			}
			time.Sleep(retryPause)
		}
	}
	return nil
}

func (r *run) hasViolations() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.violations) > 0
}

// finish ends the workers and makes the checks that are left.
func (r *run) finish(limit time.Duration) (report, error) {
	close(r.stopping)
	ended := make(chan struct{})
	go func() {
		r.ends.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(limit):
		return report{}, fmt.Errorf("the workers do not end within %v", limit)
	}
	for _, check := range r.checks {
		if r.hasViolations() {
			break
		}
		if err := check(); err != nil {
			r.violation("at the end: %v", err)
		}
	}
	steps := make(map[string]int64)
	for _, w := range r.workers {
		steps[w.name] += w.steps.Load()
	}
	// Who watches goes on until the program ends.
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return report{Steps: steps, Violations: slices.Clone(r.violations)}, nil
}

func (r *run) close() {
	for _, client := range r.clients {
		client.Close()
	}
}

// again repeats what may fail while a member is away, for as long as a minute.
func again(what func(ctx context.Context) error) error {
	deadline := time.Now().Add(time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		err := what(ctx)
		cancel()
		if err == nil || !isTransient(err) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(retryPause)
	}
}

// isTransient tells what a member that has gone or lost its leader does to a call. Its effect is not known then.
func isTransient(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	type coded interface{ Code() codes.Code }
	var etcdError coded
	code := status.Code(err)
	if errors.As(err, &etcdError) {
		code = etcdError.Code()
	}
	return code == codes.Unavailable || code == codes.DeadlineExceeded ||
		strings.Contains(err.Error(), "raft proposal dropped")
}
