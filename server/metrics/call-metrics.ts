/** grpc_server_* and the client's bytes, from the dispatcher's counts (contract: api.md §6). */
import type { Registry } from 'prom-client';
import { type CallStats, codeNames, handlingBuckets, type MethodStats } from '../rpc/mod.ts';
import { histogramSamples, register, type Sample } from './families.ts';

/** @param extensive whether histograms of the methods' handling time are shown (`--metrics extensive`) */
export function registerCallMetrics(registry: Registry, calls: CallStats, extensive: boolean): void {
  const perMethod = (value: (stats: MethodStats) => number) => (): Sample[] =>
    shownMethods(calls).map((stats) => ({ labels: labelsOf(stats), value: value(stats) }));

  register(
    registry,
    'grpc_server_started_total',
    'counter',
    'Total number of RPCs started on the server.',
    perMethod((stats) => stats.started),
  );
  // Every method with every code, from the start: rate() does not see a counter's first step from nothing to 1.
  register(
    registry,
    'grpc_server_handled_total',
    'counter',
    'Total number of RPCs completed on the server, regardless of success or failure.',
    () => shownMethods(calls).flatMap(handledSamples),
  );
  register(
    registry,
    'grpc_server_msg_received_total',
    'counter',
    'Total number of RPC stream messages received on the server.',
    perMethod((stats) => stats.received),
  );
  register(
    registry,
    'grpc_server_msg_sent_total',
    'counter',
    'Total number of gRPC stream messages sent by the server.',
    perMethod((stats) => stats.sent),
  );
  if (extensive) registerHandlingTime(registry, calls);
  registerClientTraffic(registry, calls);
}

function registerClientTraffic(registry: Registry, calls: CallStats): void {
  register(
    registry,
    'etcd_network_client_grpc_received_bytes_total',
    'counter',
    'The total number of bytes received from grpc clients.',
    () => [{ value: calls.receivedBytes }],
  );
  register(
    registry,
    'etcd_network_client_grpc_sent_bytes_total',
    'counter',
    'The total number of bytes sent to grpc clients.',
    () => [{ value: calls.sentBytes }],
  );
  register(
    registry,
    'etcd_server_client_requests_total',
    'counter',
    'The total number of client requests per client version.',
    () =>
      calls.clientRequests().map(({ type, version, count }) => ({
        labels: { type, client_api_version: version },
        value: count,
      })),
  );
}

function registerHandlingTime(registry: Registry, calls: CallStats): void {
  const name = 'grpc_server_handling_seconds';
  const help = 'Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.';
  register(registry, name, 'histogram', help, () =>
    shownMethods(calls).flatMap((stats) =>
      histogramSamples(name, labelsOf(stats), handlingBuckets, stats.handlingCounts, stats.handlingSecondsSum),
    ),
  );
}

/** Upstream shows the methods of locks and elections from their first call on. */
function shownMethods({ methods }: CallStats): MethodStats[] {
  return methods.filter(({ service, started }) => started > 0 || !/^v3(?:lock|election)pb\./.test(service));
}

function labelsOf({ service, method, type }: MethodStats) {
  return { grpc_method: method, grpc_service: service, grpc_type: type };
}

function handledSamples(stats: MethodStats): Sample[] {
  return codeNames.map((grpc_code, code) => ({
    labels: { grpc_code, ...labelsOf(stats) },
    value: stats.handled[code] as number,
  }));
}
