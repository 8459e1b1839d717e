// Command recipes does with a cluster what Go programs do, through etcd's own client: sessions, locks, elections,
// software transactions, wrappers of the key space, watches and leases, while the test that runs it moves leaders and
// kills members. It speaks in lines: "ready" once all are at work, "progressed" when a line "progress" has come in and
// everybody has taken more steps since, and a report in JSON when a line "stop" has.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
)

func main() {
	endpoints := flag.String("endpoints", "", "client URLs, separated by commas")
	files := transport.TLSInfo{}
	flag.StringVar(&files.TrustedCAFile, "cacert", "", "")
	flag.StringVar(&files.CertFile, "cert", "", "")
	flag.StringVar(&files.KeyFile, "key", "", "")
	flag.Parse()
	config, err := files.ClientConfig()
	if err != nil {
		fail(err)
	}
	if err := serve(flag.Arg(0), strings.Split(*endpoints, ","), config); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// serve starts what a mode names, and obeys the lines of standard input until "stop".
func serve(mode string, endpoints []string, config *tls.Config) error {
	run := newRun(endpoints, config)
	defer run.close()
	switch mode {
	case "recipes":
		startWatches(run)
		startLocks(run)
		startElections(run)
		startTransactions(run)
		startLeases(run)
		startWrappers(run)
	case "auth":
		if err := startAuth(run); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no such mode: %q", mode)
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "progress":
			if err := run.waitProgress(time.Minute); err != nil {
				return err
			}
			fmt.Println("progressed")
		case "stop":
			report, err := run.finish(time.Minute)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(report)
		}
	}
	return fmt.Errorf("standard input ended before a line \"stop\": %v", lines.Err())
}
