/** The plain HTTP paths of the client port and of `--listen-metrics-urls` (contract: api.md §4.2). */
import type { Logger } from '../base/logger.ts';
import type { EtcdMember } from '../member/etcd-member.ts';
import { serverVersion } from '../member/version.ts';
import { debugVars } from './debug-vars.ts';
import { type HttpHandler, type HttpRequest, type HttpResponse, plainText } from './exchange.ts';
import { HealthEndpoints, type HealthObserver } from './health.ts';

export interface RouterOptions {
  readonly member: Pick<EtcdMember, 'range' | 'alarms' | 'leader' | 'isLearner' | 'clusterVersion' | 'raftStatus'>;
  /** The text of /metrics, and its content type. */
  readonly metrics: () => Promise<{ contentType: string; text: string }>;
  readonly requestTimeoutMs: number;
  readonly logger: Logger;
  readonly healthObserver: HealthObserver;
  /** The JSON gateway, for everything below `/v3/`; not there without it. */
  readonly gateway?: HttpHandler | undefined;
}

type Endpoint = (request: HttpRequest) => Promise<HttpResponse>;

/** The paths of `--listen-metrics-urls`: what monitoring needs, and nothing else. */
export function monitoringRouter(options: RouterOptions): HttpHandler {
  return route(monitoringPaths(options), options.logger);
}

/** The paths of the client port. */
export function clientRouter(options: RouterOptions): HttpHandler {
  const version = onlyGet(async () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      etcdserver: serverVersion,
      etcdcluster: options.member.clusterVersion() ?? 'not_decided',
    }),
  }));
  const paths: [string, Endpoint][] = [
    ['/version', version],
    ['/debug/vars', onlyGet(async () => debugVars(options.member.raftStatus()))],
  ];
  const routes = route(new Map([...monitoringPaths(options), ...paths]), options.logger);
  const { gateway } = options;
  if (gateway === undefined) return routes;
  return async (request) => {
    const path = request.path.replace(/^\/v3beta\//, '/v3/');
    if (path === '/v3') return { status: 301, headers: { location: '/v3/' }, body: '' };
    return path.startsWith('/v3/') ? gateway({ ...request, path }) : routes(request);
  };
}

function monitoringPaths(options: RouterOptions): Map<string, Endpoint> {
  const { member, requestTimeoutMs, logger, healthObserver } = options;
  const health = new HealthEndpoints(member, requestTimeoutMs, logger, healthObserver);
  return new Map<string, Endpoint>([
    ['/health', onlyGet((request) => health.health(request))],
    ['/livez', onlyGet((request) => health.probe('livez', request))],
    ['/readyz', onlyGet((request) => health.probe('readyz', request))],
    ['/metrics', () => metrics(options)],
  ]);
}

async function metrics(options: RouterOptions): Promise<HttpResponse> {
  const { contentType, text } = await options.metrics();
  return { status: 200, headers: { 'content-type': contentType }, body: text };
}

function onlyGet(endpoint: Endpoint): Endpoint {
  return async (request) =>
    request.method === 'GET' ? endpoint(request) : plainText(405, 'Method Not Allowed', { allow: 'GET' });
}

function route(paths: ReadonlyMap<string, Endpoint>, logger: Logger): HttpHandler {
  return async (request) => {
    const endpoint = paths.get(request.path) ?? paths.get(request.path.replace(/^(\/livez|\/readyz)\/.*$/s, '$1'));
    if (endpoint === undefined) return plainText(404, '404 page not found');
    try {
      return await endpoint(request);
    } catch (error) {
      logger.error('request failed unexpectedly', { path: request.path, error });
      return plainText(500, 'Internal Server Error');
    }
  };
}
