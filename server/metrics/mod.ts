/** What Prometheus is told. */
export { Metrics } from './metrics.ts';
