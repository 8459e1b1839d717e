import type { Logger } from '../base/logger.ts';
import { Transport, type TransportOptions } from '../peer/mod.ts';
import type { MemberConfig } from './config.ts';
import { minClusterVersion, serverVersion } from './version.ts';

type TransportSettings = Pick<MemberConfig, 'initialAdvertisePeerUrls' | 'peerTls' | 'electionMs' | 'observe'>;

/** The way to the other members, with upstream's times. */
export function openTransport(
  ids: Pick<TransportOptions, 'id' | 'clusterId'>,
  handler: TransportOptions['handler'],
  config: TransportSettings,
  log: Logger,
): Transport {
  const { electionMs, initialAdvertisePeerUrls: localPeerUrls, observe, peerTls } = config;
  return new Transport({
    ...ids,
    ...{ serverVersion, minClusterVersion, localPeerUrls, handler },
    ...(peerTls && { tls: peerTls }),
    dialTimeoutMs: 1000 + electionMs,
    now: () => performance.now(),
    log: (level, message, fields) => log[level](message, fields),
    ...(observe?.peer && { metrics: observe.peer }),
  });
}
