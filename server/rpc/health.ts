/** grpc.health.v1.Health: one service, named "", is known and serving (contract: api.md §1.1). */
import { once } from 'node:events';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import {
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus,
  HealthListResponse,
  HealthService,
} from '../proto/gen/health.ts';
import { type Method, serverStream, unary } from './method.ts';

const serving = HealthCheckResponse.create({ status: HealthCheckResponse_ServingStatus.SERVING });
const unknown = HealthCheckResponse.create({ status: HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN });

export function healthMethods(): Method[] {
  return [
    unary(HealthService.Check, async ({ service }) => {
      if (service !== '') throw new EtcdError(Code.NotFound, 'unknown service');
      return serving;
    }),
    unary(HealthService.List, async () => HealthListResponse.create({ statuses: [{ key: '', value: serving }] })),
    serverStream(HealthService.Watch, async ({ service }, stream) => {
      await stream.send(service === '' ? serving : unknown);
      // The status never changes; the stream stays open until the client leaves.
      if (!stream.signal.aborted) await once(stream.signal, 'abort');
      throw new EtcdError(Code.Canceled, 'Stream has ended.');
    }),
  ];
}
